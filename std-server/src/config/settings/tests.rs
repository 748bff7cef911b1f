use std::collections::BTreeSet;

use super::*;

#[test]
fn names_and_variables_are_unique() {
    let names: Vec<&str> =
        SETTINGS.iter().map(|setting| setting.name).chain(LIMITS.iter().map(|limit| limit.name)).collect();
    let variables: BTreeSet<String> = names.iter().map(|name| variable(name)).collect();
    assert_eq!(variables.len(), names.len());
    // These have another meaning.
    assert!(!variables.contains("KABAR_CLASSIC_PASSWORD"));
    assert!(!variables.contains("KABAR_PASSWORD") && !names.contains(&"password-stdin"));
}

#[test]
fn the_table_in_the_manual_is_the_table_in_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/LIMITS.md");
    let manual = std::fs::read_to_string(path).unwrap();
    assert!(manual.contains(&limits_table()), "LIMITS.md should hold this table:\n{}", limits_table());
}

/// Limits that only members or the store can reach. All others are in the manual's table of limits
/// that strangers can reach.
const NOT_FOR_STRANGERS: [&str; 38] = [
    "max-file",
    "member-files",
    "all-files",
    "max-transfers",
    "transfer-time",
    "max-rooms",
    "max-invites",
    "join-burst",
    "join-interval",
    "announce-burst",
    "announce-interval",
    "newcomer-burst",
    "newcomer-interval",
    "max-identities",
    "max-names-per-identity",
    "max-instances-per-identity",
    "max-sessions-per-identity",
    "instance-keep",
    "max-sanctions",
    "keep-age",
    "keep-entries",
    "keep-bytes",
    "delete-time",
    "post-burst",
    "post-rate",
    "max-work",
    "announced-members",
    "return-time",
    "name-keep",
    "max-privileges",
    "max-output-lines",
    "max-body",
    "max-unfinished",
    "tail-memory",
    "page-memory",
    "max-page-reads",
    "retry-min",
    "retry-max",
];

#[test]
fn the_manual_states_the_cost_of_every_limit_that_a_stranger_can_reach() {
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/LIMITS.md")).unwrap();
    let (_, section) = manual.split_once("## What strangers can fill").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let cells = section.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let stated: Vec<&str> = cells.flat_map(str::split_whitespace).map(|flag| flag.trim_matches('`')).collect();
    let stated: BTreeSet<&str> = stated.iter().map(|flag| flag.strip_prefix("--").unwrap()).collect();
    let expected: BTreeSet<&str> =
        LIMITS.iter().map(|limit| limit.name).filter(|name| !NOT_FOR_STRANGERS.contains(name)).collect();
    assert_eq!(stated, expected);
}
