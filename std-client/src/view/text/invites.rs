//! Invites in texts.

use kabar_std::invite::Invite;

/// Returns the first invite in a text.
#[must_use]
pub fn invite(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| word.starts_with("kabar://") && word.parse::<Invite>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::invite;

    #[test]
    fn finds_what_can_be_joined() {
        let valid = "kabar://192.0.2.2:9999/lobby/PGF5DQOYMHZMD7NXJ74BGKQ6ZQ5M5QCK.DLAQ7RJBBXIXRLFEMYVJP4YM3E";
        assert_eq!(invite(&format!("others join:\n  kabar join {valid}\nor not")), Some(valid));
        assert_eq!(invite("kabar://192.0.2.2:9999/lobby and kabar://"), None);
    }
}
