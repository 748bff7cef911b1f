//! Why the server refuses a post, as parts of sentences.

use kabar_core::chat::PostRefusedCode;

use crate::language::message;

/// Returns why a post is refused permanently.
#[must_use]
pub fn post_refusal(code: PostRefusedCode) -> String {
    match code {
        PostRefusedCode::TOO_LONG => message!("post-too-long"),
        PostRefusedCode::MUTED => message!("post-muted"),
        PostRefusedCode::KIND => message!("post-kind"),
        PostRefusedCode::CONTENT => message!("post-content"),
        PostRefusedCode(code) => message!("refused-other", code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_post_refusal_has_a_sentence() {
        let codes = [
            PostRefusedCode::TOO_LONG,
            PostRefusedCode::MUTED,
            PostRefusedCode::KIND,
            PostRefusedCode::CONTENT,
            PostRefusedCode(77),
        ];
        let all: Vec<_> = codes.map(post_refusal).into();
        assert!(all[4].contains("77") && !all[..4].iter().any(|words| words.contains("reason")), "{all:?}");
    }
}
