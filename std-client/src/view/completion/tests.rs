use super::*;

fn complete(before: &str) -> (usize, Vec<String>) {
    let names = ["farhan", "J\u{f6}rg", "fatima"].map(str::to_owned);
    let (rooms, others) = (["lobby", "ops"].map(str::to_owned), ["garden".to_owned()]);
    let files = ["report.pdf", "Report two.pdf", "notes.txt", "2026"].map(str::to_owned);
    let transfers = [(TransferId(7), "report.pdf".to_owned()), (TransferId(12), "notes.txt".to_owned())];
    let paths: Vec<_> = typed_path(before).map(|typed| format!("{typed}|")).into_iter().collect();
    let (names, rooms, others) = (&names[..], &rooms[..], &others[..]);
    candidates(before, &Context { names, rooms, others, files: &files, transfers: &transfers, paths: &paths })
}

fn texts(before: &str) -> Vec<String> {
    complete(before).1
}

#[test]
fn completes_names() {
    assert_eq!(complete("fa"), (0, vec!["farhan: ".to_owned(), "fatima: ".to_owned()]));
    assert_eq!(complete("ask FAR"), (4, vec!["farhan ".to_owned()]));
    assert_eq!(complete("ask @j\u{d6}"), (4, vec!["@J\u{f6}rg ".to_owned()]));
    assert_eq!(texts("@fat"), ["@fatima "]);
    assert_eq!((texts("").len(), texts("a @").len(), texts("a ").len()), (3, 3, 0));
    assert_eq!(texts("/kick fat"), ["fatima "]);
}

#[test]
fn completes_commands_and_rooms() {
    assert_eq!((texts("/hi"), texts("/he")), (vec!["/history ".to_owned()], vec!["/help".to_owned()]));
    assert_eq!((texts("see /hi").len(), texts("//hi").len()), (0, 0));
    assert_eq!(
        (texts("/room #l"), texts("/join "), texts("/unb")),
        (vec!["lobby ".to_owned()], vec!["garden ".to_owned()], vec!["/unban ".to_owned()])
    );
    assert_eq!(texts("see #op"), ["#ops "]);
}

#[test]
fn completes_emoji_by_their_short_names() {
    assert_eq!(texts(":smile")[0], "\u{1f604} ");
    assert!(texts("hello :SMI").contains(&"\u{1f604} ".to_owned()));
    assert!(texts(":s").is_empty() && texts("a:smile").is_empty() && texts(":nosuchthing").is_empty());
    assert!(texts(":ca").len() <= MAX_EMOJI);
}

#[test]
fn a_second_tab_does_not_undo() {
    let names = ["anna".to_owned(), "anton".to_owned()];
    let context = Context { names: &names, rooms: &[], others: &[], files: &[], transfers: &[], paths: &[] };
    let mut one = Completion::begin("ann", &context, false).unwrap();
    one.cycle(false);
    assert_eq!((one.start(), one.text()), (0, "anna: "));
    let mut both = Completion::begin("an", &context, false).unwrap();
    let mut texts = vec![both.text().to_owned()];
    for is_back in [false, false, true, true] {
        both.cycle(is_back);
        texts.push(both.text().to_owned());
    }
    assert_eq!(texts, ["anna: ", "anton: ", "anna: ", "anton: ", "anna: "]);
    assert_eq!(Completion::begin("an", &context, true).unwrap().text(), "anton: ");
    assert_eq!(Completion::begin("x", &context, false), None);
}

#[test]
fn completes_the_whole_argument_of_commands_about_files() {
    assert_eq!(complete("/get rep"), (5, vec!["report.pdf".to_owned(), "Report two.pdf".to_owned()]));
    assert_eq!(complete("/get  Report t"), (6, vec!["Report two.pdf".to_owned()]));
    assert_eq!((texts("/get ").len(), texts("/get x").len()), (4, 0));
    // Without quotes, it would be a number.
    assert_eq!([texts("/get 20"), texts("/get \"20")], [["\"2026\""], ["\"2026\""]]);
    assert_eq!(complete("/send ~/my fi"), (6, vec!["~/my fi|".to_owned()]));
    assert_eq!(
        (texts("/cancel "), texts("/cancel no")),
        (vec!["7".to_owned(), "12".to_owned()], vec!["12".to_owned()])
    );
    assert_eq!(texts("/cancel 7"), ["7"]);
    assert_eq!((texts("/sen"), texts("send fat")), (vec!["/send ".to_owned()], vec!["fatima ".to_owned()]));
}
