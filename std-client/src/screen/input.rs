//! Events of the terminal as keys.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use crate::view::frame::Size;
use crate::view::keys::{Code, Key};
use crate::view::{Effect, View};

/// Gives an event of the terminal to the view.
pub(super) fn handle(view: &mut View, event: &Event) -> Vec<Effect> {
    match event {
        Event::Key(key) => key_of(*key).map(|key| view.on_key(key)).unwrap_or_default(),
        Event::Paste(text) => view.on_paste(text),
        Event::Resize(width, height) => view.resize(Size { width: (*width).into(), height: (*height).into() }),
        Event::FocusGained => view.on_focus(true),
        Event::FocusLost => view.on_focus(false),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => view.on_click(mouse.column.into(), mouse.row.into()),
            MouseEventKind::ScrollUp => view.on_wheel(true),
            MouseEventKind::ScrollDown => view.on_wheel(false),
            _ => Vec::new(),
        },
    }
}

/// Whether a key is pressed.
pub(super) fn is_key_press(event: &Event) -> bool {
    matches!(event, Event::Key(key) if key.kind == KeyEventKind::Press)
}

/// Returns a key as it is bound; `None`: it was released, or has no name.
fn key_of(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let has = |modifier| event.modifiers.contains(modifier);
    let (ctrl, alt) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT));
    let mut shift = has(KeyModifiers::SHIFT);
    let code = match event.code {
        // Terminals report Ctrl with / and with 7 as this control character, too.
        KeyCode::Char('/' | '7') if ctrl => Code::Char('_'),
        KeyCode::Char(c) => {
            shift = false;
            // Ctrl and Alt are bound in lower case.
            Code::Char(if ctrl { c.to_ascii_lowercase() } else { c })
        }
        KeyCode::Enter => Code::Enter,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => {
            shift = true;
            Code::Tab
        }
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Esc => Code::Escape,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    };
    Some(Key { code, ctrl, alt, shift })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<String> {
        key_of(KeyEvent::new(code, modifiers)).map(|key| key.to_string())
    }

    #[test]
    fn keys_have_the_names_of_the_bindings() {
        let none = KeyModifiers::NONE;
        assert_eq!(pressed(KeyCode::Char('N'), KeyModifiers::CONTROL | KeyModifiers::SHIFT).as_deref(), Some("ctrl-n"));
        assert_eq!(pressed(KeyCode::Char('A'), KeyModifiers::SHIFT).as_deref(), Some("A"));
        assert_eq!(pressed(KeyCode::BackTab, KeyModifiers::SHIFT).as_deref(), Some("shift-tab"));
        assert_eq!(pressed(KeyCode::Enter, KeyModifiers::ALT).as_deref(), Some("alt-enter"));
        assert_eq!(pressed(KeyCode::Char('7'), KeyModifiers::CONTROL).as_deref(), Some("ctrl-_"));
        assert_eq!((pressed(KeyCode::F(1), none).as_deref(), pressed(KeyCode::CapsLock, none)), (Some("f1"), None));
        let released = KeyEvent { kind: KeyEventKind::Release, ..KeyEvent::new(KeyCode::Enter, none) };
        assert_eq!(key_of(released), None);
    }
}
