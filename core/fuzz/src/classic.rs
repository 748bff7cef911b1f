//! The classic dialect (SPEC 11): whatever arrives, nothing panics, and what decrypts or parses is
//! what would be written again.

use kabar_core::classic::{
    Answer, Line, Login, MAX_DATAGRAM, MAX_KEY_LEN, MAX_TEXT_LEN, Post, PrivateKey, PublicKey, Request,
};

/// Takes `data` as a public key, as a datagram and as a text of either side.
pub fn check(data: &[u8]) {
    if let Ok(key) = PublicKey::parse(data) {
        let mut out = [0; MAX_KEY_LEN];
        let len = key.encode(&mut out).expect("the longest key fits");
        assert_eq!(&out[..len], data);
    }
    // N is larger than every code point in the second key only.
    for (p, q, exponent) in [(1009, 1013, 17), (49_999, 49_993, 65_537)] {
        let key = PrivateKey::from_primes(p, q, exponent).expect("two primes");
        let mut text = vec![0; 2 * data.len() + 2];
        if let Ok(text) = key.decrypt(data, &mut text) {
            assert!(matches!(Request::decode(data), Some(Request::Encrypted(datagram)) if datagram == data));
            assert_eq!(encrypt(key.public(), text).as_deref(), Some(data));
            check_text(text);
        }
    }
    if let Ok(text) = str::from_utf8(data) {
        check_text(text);
        let key = PrivateKey::from_primes(49_999, 49_993, 65_537).expect("two primes");
        if let Some(datagram) = encrypt(key.public(), text).filter(|datagram| datagram.len() <= MAX_DATAGRAM) {
            let mut out = [0; MAX_TEXT_LEN];
            assert!(datagram.is_empty() || key.decrypt(&datagram, &mut out) == Ok(text));
        }
    }
}

fn check_text(text: &str) {
    let mut out = vec![0; text.len() + 64];
    if let Some(login) = Login::parse(text) {
        let len = login.encode(&mut out).expect("as long as the text");
        assert_eq!(&out[..len], text.as_bytes());
    }
    if let Ok(post) = Post::parse(text) {
        let len = post.encode(&mut out).expect("no longer than the text");
        assert_eq!(Post::parse(str::from_utf8(&out[..len]).expect("text")), Ok(post));
        check_fitting(post);
    }
    check_fitting(Post { name: "ani", message: text });
    if let Some(answer) = Answer::parse(text) {
        let len = answer.encode(&mut out).expect("as long as the text");
        assert_eq!(&out[..len], text.as_bytes());
    }
    if let Some(line) = Line::parse(text) {
        assert_eq!(format!("[{}] {}", line.time, line.body), text);
        let len = line.encode(&mut out);
        let line = str::from_utf8(&out[..len]).expect("cut at a character");
        assert!(len <= MAX_DATAGRAM && !line.chars().any(char::is_control));
    }
}

/// A beginning that is said to fit does so.
fn check_fitting(post: Post<'_>) {
    let key = PublicKey::new(65_537, 49_999 * 49_993).expect("a key");
    let Ok(len) = post.fitting_len(&key, " ...") else { return };
    let message = format!("{} ...", &post.message[..len]);
    let mut text = vec![0; post.name.len() + message.len() + 16];
    let len = Post { name: post.name, message: &message }.encode(&mut text).expect("it fits");
    let text = str::from_utf8(&text[..len]).expect("text");
    assert!(key.encrypt(text, &mut [0; MAX_DATAGRAM]).is_ok());
}

fn encrypt(key: &PublicKey, text: &str) -> Option<Vec<u8>> {
    let mut out = vec![0; 11 * text.len()];
    let len = key.encrypt(text, &mut out).ok()?;
    out.truncate(len);
    Some(out)
}
