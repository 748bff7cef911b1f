use super::*;

const CAPACITY: Capacity = Capacity { chat_send: 100, chat_receive: 40, bulk_send: 0, bulk_receive: 0, in_flight: 8 };

#[test]
fn a_connection_holds_rings_only_while_they_contain_data() {
    let pool = Pool::new(CAPACITY, 1_000);
    let mut memory = pool.memory();
    assert_eq!((memory.buffers().chat_send.len(), memory.buffers().in_flight.len(), pool.used()), (0, 0, 0));
    assert!(memory.acquire(Buffer::ChatSend) && memory.acquire(Buffer::ChatSend) && memory.acquire(Buffer::InFlight));
    assert_eq!((memory.buffers().chat_send.len(), memory.buffers().in_flight.len(), pool.used()), (100, 8, 100));
    memory.release(Buffer::ChatSend);
    memory.release(Buffer::ChatSend);
    assert_eq!((memory.buffers().chat_send.len(), pool.used()), (0, 0));
    assert!(memory.acquire(Buffer::ChatReceive));
    drop(memory);
    assert_eq!(pool.used(), 0);
}

#[test]
fn acquisitions_beyond_the_limit_fail_and_are_counted() {
    let pool = Pool::new(CAPACITY, 230);
    let mut memories = [pool.memory(), pool.memory(), pool.memory()];
    assert_eq!(memories.each_mut().map(|memory| memory.acquire(Buffer::ChatSend)), [true, true, false]);
    assert_eq!((pool.used(), pool.refused()), (200, 1));
    memories[0].release(Buffer::ChatSend);
    assert!(memories[2].acquire(Buffer::ChatSend));
}

#[test]
fn a_ring_keeps_its_content_while_others_are_acquired_and_released() {
    let pool = Pool::new(CAPACITY, 1_000);
    let mut memory = pool.memory();
    assert!(memory.acquire(Buffer::ChatSend));
    memory.buffers().chat_send.fill(7);
    assert!(memory.acquire(Buffer::ChatReceive) && memory.acquire(Buffer::BulkSend));
    memory.release(Buffer::ChatReceive);
    assert_eq!(memory.buffers().chat_send, [7; 100]);
}

#[test]
fn a_connection_that_sends_files_has_a_longer_table_which_is_counted() {
    let capacity = Capacity { bulk_send: 4_096, ..CAPACITY };
    let pool = Pool::new(capacity, 100_000);
    let mut memory = pool.memory();
    assert!(memory.acquire(Buffer::InFlight));
    assert!(memory.acquire(Buffer::BulkSend));
    assert_eq!((memory.buffers().in_flight.len(), pool.used()), (12, 4_096 + 12 * size_of::<SentPacket>()));
    memory.release(Buffer::BulkSend);
    assert_eq!(memory.buffers().in_flight.len(), 12, "as long as it has entries");
    memory.release(Buffer::InFlight);
    assert!(memory.acquire(Buffer::InFlight));
    assert_eq!((memory.buffers().in_flight.len(), pool.used()), (8, 0));
}

#[test]
fn few_large_buffers_are_kept_for_others() {
    let capacity = Capacity { bulk_send: 4_096, ..CAPACITY };
    let pool = Pool::new(capacity, 1 << 20);
    let mut memories: Vec<_> = (0..2 * MAX_SPARE_BULK).map(|_| pool.memory()).collect();
    for memory in &mut memories {
        assert!(memory.acquire(Buffer::BulkSend) && memory.acquire(Buffer::InFlight));
    }
    drop(memories);
    let shared = pool.shared();
    assert_eq!((shared.spare_rings[2].len(), shared.spare_long_tables.len()), (MAX_SPARE_BULK, MAX_SPARE_BULK));
    assert_eq!(shared.used, 0);
}

#[test]
fn a_download_takes_the_ring_of_an_upload() {
    let capacity = Capacity { bulk_send: 4_096, bulk_receive: 4_096, ..CAPACITY };
    let pool = Pool::new(capacity, 1 << 20);
    let mut memory = pool.memory();
    assert!(memory.acquire(Buffer::BulkReceive));
    memory.buffers().bulk_receive.fill(7);
    memory.release(Buffer::BulkReceive);
    assert!(memory.acquire(Buffer::BulkSend));
    assert_eq!(memory.buffers().bulk_send, [7; 4_096]);
}

#[test]
fn memory_of_a_connection_is_send() {
    fn assert_send<T: Send>() {}
    assert_send::<Pooled>();
}
