use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use super::*;

/// Reports what it is to print, and prints it when permitted.
struct HeldPrinter {
    asked: Sender<String>,
    permits: Receiver<()>,
}

impl ExternalPrinter for HeldPrinter {
    fn print(&mut self, text: String) -> rustyline::Result<()> {
        self.asked.send(text).unwrap();
        let _ = self.permits.recv();
        Ok(())
    }
}

fn gate() -> (Arc<TerminalGate>, Receiver<String>, Sender<()>) {
    let gate = Arc::new(TerminalGate::default());
    let ((asked, printed), (permit, permits)) = (mpsc::channel(), mpsc::channel());
    gate.install(HeldPrinter { asked, permits });
    (gate, printed, permit)
}

fn write(gate: &Arc<TerminalGate>, text: &str) -> std::thread::JoinHandle<()> {
    let (gate, text) = (Arc::clone(gate), text.to_owned());
    std::thread::spawn(move || gate.write(&text, |_| Ok(())).unwrap())
}

#[test]
fn output_waits_for_the_prompt() {
    let (gate, printed, permit) = gate();
    gate.before_typing();
    let writer = write(&gate, "hello");
    assert!(printed.try_recv().is_err());
    gate.prompt_is_shown();
    assert_eq!(printed.recv().unwrap(), "hello");
    permit.send(()).unwrap();
    writer.join().unwrap();
}

#[test]
fn typed_line_is_erased_only_when_it_is_the_last_one() {
    let (gate, printed, permit) = gate();
    gate.before_typing();
    gate.prompt_is_shown();
    let writer = write(&gate, "in between");
    printed.recv().unwrap();
    gate.enter_is_pressed();
    assert!(!gate.may_erase(), "output is being written");
    permit.send(()).unwrap();
    writer.join().unwrap();

    gate.before_typing();
    gate.prompt_is_shown();
    gate.enter_is_pressed();
    assert!(gate.may_erase());
    // A further hint of the editor changes nothing.
    gate.prompt_is_shown();
    let writer = write(&gate, "afterwards");
    assert!(printed.try_recv().is_err());
    gate.before_typing();
    gate.prompt_is_shown();
    assert_eq!(printed.recv().unwrap(), "afterwards");
    permit.send(()).unwrap();
    writer.join().unwrap();
}

#[test]
fn output_after_the_end_does_not_wait() {
    let (gate, printed, _permit) = gate();
    gate.before_typing();
    let writer = write(&gate, "");
    assert!(!gate.stop());
    writer.join().unwrap();
    gate.before_typing();
    write(&gate, "").join().unwrap();
    assert!(printed.try_recv().is_err(), "directly to the terminal");
}
