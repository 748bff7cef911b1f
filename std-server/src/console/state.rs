//! The state of the console: the room that its commands act on.

use std::sync::{Arc, Mutex, PoisonError};

use kabar_core::chat::AnswerCode;

use super::command::{Input, parse};
use super::execute::{Answer, Operator};

/// The console of a server. Copies share the state.
#[derive(Clone, Debug)]
pub struct Console {
    operator: Operator,
    room: Arc<Mutex<String>>,
}

impl Console {
    /// A console whose commands act on the first room of the server.
    #[must_use]
    pub fn new(operator: Operator) -> Self {
        let room = Arc::new(Mutex::new(operator.first_room().to_string()));
        Self { operator, room }
    }

    /// Executes a line.
    #[must_use]
    pub fn run(&self, line: &str) -> Answer {
        match parse(line) {
            Ok(Input::Room(None)) => Answer::line(format!("commands act on the room {}", self.room())),
            Ok(Input::Room(Some(name))) => match self.operator.check_room(name.as_str()) {
                Ok(()) => {
                    *self.room.lock().unwrap_or_else(PoisonError::into_inner) = name.to_string();
                    Answer::line(format!("commands act on the room {name} now"))
                }
                Err(error) => Answer::error(AnswerCode::NOT_FOUND, error),
            },
            input => self.operator.run_typed(&self.room(), input),
        }
    }

    /// Returns the names of the members who are connected.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.operator.names(&self.room())
    }

    /// Stops the server. Commands only ask for it, so that their answer is written before.
    pub fn stop(&self) {
        self.operator.stop();
    }

    fn room(&self) -> String {
        self.room.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
