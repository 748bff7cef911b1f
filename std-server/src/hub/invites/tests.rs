use super::*;

const ANA: PublicIdentity = PublicIdentity([1; 32]);
const BEN: PublicIdentity = PublicIdentity([2; 32]);

fn invites() -> Invites {
    let mut invites = Invites::default();
    invites.set_standing(5, None, [1; 16], 9);
    invites
}

fn commit(invites: &mut Invites, admitted: &[(u32, PublicIdentity)]) -> ServerBatch {
    let mut batch = ServerBatch::default();
    invites.write(7, &admitted.iter().copied().collect(), &mut batch);
    invites.apply(&batch);
    batch
}

fn add(invites: &mut Invites, terms: InviteTerms, limit: usize) -> Result<u32, OperatorError> {
    let secret = [invites.next_id() as u8; 16];
    invites.add(5, secret, terms, limit).map(|record| record.id)
}

#[test]
fn a_change_is_in_effect_at_once_and_written_until_it_is_durable() {
    let mut invites = invites();
    let id = add(&mut invites, InviteTerms::default(), 9).expect("room");
    assert!(invites.has_changed() && invites.get(id).is_some());
    let (mut first, mut second) = (ServerBatch::default(), ServerBatch::default());
    invites.write(7, &BTreeSet::new(), &mut first);
    assert_eq!(invites.revoke(id).map(|record| record.id), Ok(id));
    invites.apply(&first);
    assert!(invites.get(id).expect("kept").is_revoked && invites.has_changed());
    invites.write(7, &BTreeSet::new(), &mut second);
    assert_eq!((second.invites.len(), second.invites[0].is_revoked), (1, true));
    invites.apply(&second);
    assert!(!invites.has_changed());
    assert_eq!(invites.revoke(id), Err(OperatorError::AlreadyInEffect));
    assert_eq!(invites.revoke(1), Err(OperatorError::StandingInvite));
    assert_eq!(invites.revoke(9), Err(OperatorError::NoSuchInvite));
}

#[test]
fn each_admission_is_counted_and_a_batch_applied_twice_counts_once() {
    let mut invites = invites();
    let id = add(&mut invites, InviteTerms { uses: Some(3), ..InviteTerms::default() }, 9).expect("room");
    let batch = commit(&mut invites, &[(id, ANA), (id, BEN)]);
    assert_eq!(batch.invite_uses.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2]);
    invites.apply(&batch);
    let name = |identity: &PublicIdentity| format!("{:02x}", identity.0[0]);
    let info = invites.list(7, name).pop().expect("listed");
    assert_eq!((info.record.used, info.record.uses_left), (2, Some(1)));
    assert_eq!(info.used_by, [("01".to_owned(), 7), ("02".to_owned(), 7)]);
}

#[test]
fn a_new_standing_invite_revokes_the_earlier_one() {
    let mut invites = invites();
    commit(&mut invites, &[]);
    invites.set_standing(6, None, [1; 16], 9);
    assert!(!invites.has_changed(), "it is the same");
    invites.set_standing(6, None, [2; 16], 9);
    assert_eq!(invites.standing(None).map(|it| it.secret), Some([2; 16]));
    commit(&mut invites, &[]);
    let states: Vec<_> = invites.list(7, |_| String::new()).iter().map(|info| info.state).collect();
    assert_eq!(states, [InviteState::Revoked, InviteState::InForce]);
}

#[test]
fn the_oldest_that_has_ended_makes_room_and_none_in_force_does() {
    let mut invites = invites();
    let valid = || InviteTerms { valid_ms: Some(100), ..InviteTerms::default() };
    assert_eq!((add(&mut invites, valid(), 3), add(&mut invites, valid(), 3)), (Ok(2), Ok(3)));
    commit(&mut invites, &[]);
    assert_eq!(add(&mut invites, valid(), 3), Err(OperatorError::TooManyInvites));
    assert!(!invites.has_changed());
    assert!(invites.revoke(3).is_ok());
    assert_eq!(add(&mut invites, valid(), 3), Ok(4));
    let batch = commit(&mut invites, &[]);
    assert_eq!((batch.forgotten_invites, invites.has_changed()), (vec![3], false));
    assert_eq!(invites.list(7, |_| String::new()).iter().map(|info| info.record.id).collect::<Vec<_>>(), [1, 2, 4]);
}
