use super::*;

const ANA: PublicIdentity = PublicIdentity([1; 32]);

fn ban(since_ms: u64) -> Sanction {
    Sanction { identity: ANA, kind: SanctionKind::Ban, name: "Ana".into(), since_ms, reason: None, by: None }
}

fn written(sanctions: &Sanctions) -> RoomBatch {
    let mut batch = RoomBatch::default();
    sanctions.write(&mut batch);
    batch
}

#[test]
fn a_sanction_takes_effect_at_once_and_is_written_until_durable() {
    let mut sanctions = Sanctions::default();
    assert!(sanctions.impose(ban(1)) && !sanctions.impose(ban(2)));
    assert!(sanctions.holds(ANA, SanctionKind::Ban) && !sanctions.holds(ANA, SanctionKind::Mute));
    let batch = written(&sanctions);
    assert_eq!((&batch.sanctions, written(&sanctions) == batch), (&vec![ban(1)], true));
    sanctions.apply(&batch);
    assert!(written(&sanctions).is_empty() && sanctions.holds(ANA, SanctionKind::Ban));
}

#[test]
fn a_sanction_lifted_during_its_commit_ends_with_the_next_commit() {
    let mut sanctions = Sanctions::default();
    sanctions.impose(ban(1));
    let first = written(&sanctions);
    assert!(sanctions.lift(ANA, SanctionKind::Ban) && !sanctions.lift(ANA, SanctionKind::Ban));
    sanctions.apply(&first);
    assert!(!sanctions.holds(ANA, SanctionKind::Ban) && sanctions.all().is_empty());
    let second = written(&sanctions);
    assert_eq!(second.lifted, [(ANA, SanctionKind::Ban)]);
    sanctions.apply(&second);
    assert!(written(&sanctions).is_empty() && !sanctions.holds(ANA, SanctionKind::Ban));
}

#[test]
fn a_sanction_found_in_the_store_after_a_failure_is_not_written_twice() {
    let mut sanctions = Sanctions::default();
    sanctions.impose(ban(1));
    sanctions.reload(&RoomState::default());
    assert!(sanctions.holds(ANA, SanctionKind::Ban) && !written(&sanctions).is_empty());
    sanctions.reload(&RoomState { sanctions: vec![ban(1)], ..RoomState::default() });
    assert!(sanctions.holds(ANA, SanctionKind::Ban) && written(&sanctions).is_empty());
}

#[test]
fn finds_a_sanctioned_identity_by_its_name_at_that_time() {
    let mut sanctions = Sanctions::new(&RoomState { sanctions: vec![ban(1)], ..RoomState::default() });
    let name = |name| Name::new(name).unwrap();
    assert_eq!(sanctions.find_by_name(&name("ANA"), SanctionKind::Ban), Some(ANA));
    assert_eq!(sanctions.find_by_name(&name("ANA"), SanctionKind::Mute), None);
    assert_eq!(sanctions.find_by_name(&name("Ben"), SanctionKind::Ban), None);
    sanctions.lift(ANA, SanctionKind::Ban);
    assert_eq!(sanctions.find_by_name(&name("ana"), SanctionKind::Ban), None);
}
