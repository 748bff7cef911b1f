# What a person reads, in English. Every language has the same identifiers and placeholders. A text
# that must begin or end with a space has it as {" "}.

## Numbers and units

seconds = { $seconds } s
minutes = { $minutes } min
hours = { $hours } h
milliseconds = { $ms } ms
percent = { $percent } %

## The end of a command

forgotten = { $rooms ->
    [1] forgotten: { $target }
   *[other] forgotten: { $target } ({ $rooms } rooms)
}
key-known-already = { $fingerprint } is already the key for { $server }
key-accepted = accepted: { $fingerprint } is now the key for { $server }; join with a new invite or the password
exported = your key is in { $file }: whoever has this file is you. On the other computer: kabar identity import { $file }
exported-sealed = your key is in { $file }: whoever has it and the passphrase is you. On the other computer: kabar identity import { $file }
imported = you are { $fingerprint } on this computer now ({ $path })
imported-aside = ; the key before is in { $path }
lines-lost = { $lines ->
    [one] 1 line was not sent
   *[other] { $lines } lines were not sent
}
lines-kept = { $lines ->
    [one] 1 line is kept and sent the next time
   *[other] { $lines } lines are kept and sent the next time
}

## Errors of commands

no-data-dir = there is no home directory: use --data-dir DIR
no-identity = no identity yet: it is made when you first join or host a room
no-identity-labelled = no identity with the label { $label } on this computer (kabar identity lists them)
other-identity = you are somebody else on this computer: { $fingerprint } in { $path }. Use --replace to keep that key in a file and be the imported one, or --identity LABEL to be either
passphrase-invalid = a passphrase is one line of text, of at most { $max } bytes
passphrase-mistyped = the passphrases differ: nothing was written
passphrase-no-terminal = a passphrase is typed at a terminal; without one, use --passphrase-file FILE
identity-not-text = cannot use { $file }: { $reason }
exported-damaged = the file is damaged or incomplete: copy it again, in full
exported-newer = the file was written by a newer version of kabar: update kabar on this computer
exported-passphrase-required = the file is protected by a passphrase: use --passphrase-file FILE, or type it at a terminal
exported-wrong-passphrase = wrong passphrase: nothing was imported
exported-other-file = not a file of kabar identity export
exported-random = cannot create a salt: { $error }
name-choose-another = { $reason }: choose another name
known-servers-encode = cannot encode the known servers: { $error }
server-not-known = { $target } is not known (kabar servers lists known servers)
key-not-accepted = not accepted
key-not-accepted-other = not accepted: the key for { $server } is { $fingerprint }
key-not-confirmed = not accepted: use --fingerprint { $fingerprint } if that is its key
too-many-advertised = --advertise: { $reason }
password-not-text = { $source }: { $reason }
password-empty = the password is empty
password-too-long = the password is longer than { $max } bytes
password-cannot-read = cannot read { $source }: { $error }
cannot-print = cannot print: { $error }
cannot-start = cannot start: { $error }
cannot-read-stdin = cannot read standard input: { $error }
cannot-read-terminal = cannot read from the terminal: { $error }
web-cannot-listen = cannot listen on 127.0.0.1:{ $port }: { $error }
host-in-use = { $path } is in use by another server
host-in-use-by = { $path } is in use by another server (process { $process })
host-cannot-listen = cannot listen on { $address }: { $reason }
host-port-in-use = the port is in use; stop what uses it, or choose another with --listen
host-history-not-read = the history cannot be read: { $reason }
host-history-missing = there is no history: { $path } does not exist
host-history-damaged = the history { $path } is damaged: examine it with `kabar-server check`; to go on, put a backup in its place with `kabar-server restore FILE`, which keeps the damaged file
host-history-locked = the history { $path } is locked by another program: stop that program and try again
host-history-unusable = the history { $path } cannot be used: { $reason }
host-history-foreign = { $path } is a database of another program: move it away, or choose another directory with --data-dir
host-history-newer = the history { $path } was written by a later version of kabar-server: use that version
host-history-older = the history { $path } was written by an earlier version of kabar-server: start the server once to upgrade it
host-history-directory = the history { $path } cannot be used: it is a directory; move it away, or choose another place with --data-dir
host-history-empty = the history { $path } is empty, and no server leaves it so: put a backup in its place with `kabar-server restore FILE`, or move it, { $file }-wal and { $file }-shm away to begin a new history
host-history-log-only = the history { $path } is missing, but { $file }-wal, a part of it, is there: put it back, or a backup in its place with `kabar-server restore FILE`, or move { $file }-wal and { $file }-shm away to begin a new history
host-history-foreign-log = { $file }-wal beside { $path } belongs to another history, and would damage this one: if { $path } is a backup, move it away and put it back with `kabar-server restore FILE`, which also moves { $file }-wal and { $file }-shm away
host-history-restoring = the restore of { $path } was interrupted: start the server, or restore again, to finish it
transcript-not-reopened = { $reason }; the file that was there is written on
transcript-not-writable = { $reason }; lines will be missing there, the room goes on
transcript-writable-again = the transcript { $path } can be written again
transcript-incomplete = { $lines ->
    [one] 1 line is missing
   *[other] { $lines } lines are missing
} at the end of the transcript { $path }; the history has them
host-failed = the server stopped because of an internal error
target-both-on-stdin = standard input can have the invite or the password, not both
target-stdin = standard input: { $error }
target-key-option = an invite names the accepted key: use --fingerprint and --accept-new only with a host
target-no-address = { $reason }; put it into the invite
target-other-server = all invites must be for one server: join the other server at another terminal
target-invite-not-first = further invites can only follow an invite: put one of them first
target-no-room = { $typed } is not the name of a room, nor an invite to one
target-too-many = { $rooms } rooms are as many as can be joined at once
target-ambiguous = you know { $rooms } rooms with this name; choose one:
setting-invalid = { $setting }: { $reason }
setting-unknown = there is no setting { $name }
settings-cannot-read = cannot read { $path }: { $reason }
settings-not-toml = { $words }
settings-unknown-key = unknown key { $key }; `{ $command }` lists all
settings-not-single = { $key }: the value must be a text, a number, true or false
settings-not-texts = { $key }: the list must hold texts, and one at least
value-not-one-of = it must be { $others } or { $last }
value-not-seconds = not a number of seconds
value-not-a-path = it must be a path or auto
value-not-a-key = not a key: write, for example, ctrl-n, alt-enter, f1 or pageup
value-key-bound = { $key } is bound at { $first }, too

## Names, addresses, invites, files

name-empty = the name is empty
name-too-long = the name is longer than 32 bytes
name-character = the name contains { $character }, which is not allowed
name-edge-space = the name begins or ends with a space
name-reserved = the name { $word } is reserved
name-looks-reserved = the name looks like { $word }, which is reserved
name-mixed-scripts = the name mixes { $one } and { $other } letters, which can look alike
name-direction = the name has letters that are written from right to left: it must begin with one of them, and end with one or with a digit
address-host = the host is neither an address nor a name
address-port = the port is not a number from 1 to 65535
address-no-zone = { $address } needs the interface of this computer that leads there: { $address }%{ $example }{ $available }
address-unknown-zone = this computer has no interface { $zone }{ $available }
address-available = {" "}(here: { $names })
address-too-many = at most { $max } addresses
address-needless-zone = { $address } is not a link-local address (fe80::...): leave out the % and what follows it
address-advertised-zone = an interface of this computer means nothing to others: advertise { $address } without %{ $zone }, and whoever joins adds an interface of their computer
invite-scheme = an invite begins with kabar://
invite-cut-off = the invite is cut off: it is kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET
invite-room = the invite is damaged: a room's name is 1 to 32 of a to z, 0 to 9, - and _
invite-fingerprint = the invite is damaged: the fingerprint is not 32 characters of base32
invite-secret = the invite is damaged: the secret at its end is not 26 characters of base32
invite-too-many = the invite names more than { $max } addresses
invite-no-port = the invite has no port after its host
invite-address = the invite is damaged: { $reason }
file-error = cannot { $action } { $path }: { $cause }
not-text-utf16 = the text is UTF-16; save it as UTF-8
not-text-utf8 = line { $line } is not UTF-8; save it as UTF-8
not-text-zero-byte = line { $line } contains a zero byte; save it as UTF-8
not-text-too-long = longer than { $max } bytes
unusable-not-a-directory = not a directory; choose one with --data-dir
unusable-far-too-long = the file is far too long
unusable-damaged-key = the file is damaged; restore it from a copy
unusable-damaged-secret = the file is damaged; restore it from a copy, or remove it for a new secret
unusable-damaged-text = the file is damaged; correct or remove it
unusable-damaged-and-replaced = the file is damaged and will be replaced
thread-failed = a thread of this program has failed
resolve-no-address = the name has no address
system-error = { $text }
store-disk-full = the disk is full (or has no room for one more file): free some of it
store-locked = another program has locked the file
store-read-only = the file, or another in its directory, is not writable: make both writable for the user that this program runs as
store-moved = the file was moved or deleted
store-damaged = the file is damaged
store-too-many-files = too many open files{ $limit }: raise the limit with `ulimit -n`, or LimitNOFILE= in a systemd unit
store-file-limit = {" "}(this process may have { $limit })
store-memory = the system has no memory left
store-no-locks = files cannot be locked there: choose a directory on a local disk
store-disk = the disk reports an error ({ $code })
store-contradiction = the new entries contradict what is stored
store-other = the database reports error { $code }

## Connections

alternatives = { $first } or { $second }
with-server-text = { $line } (server: { $text })
connecting = Connecting to { $server } ...{" "}
known-server-moved = a known server at a new address;{" "}
not-reached = { $reason }; trying again
lost-while-connecting = ({ $reason }; trying again){" "}
key-question =
    The server's key is not known yet. Its fingerprint is
      { $fingerprint }
key-accepted-invited = server key matches the invite.{" "}
key-accepted-expected = server key is the one you know.{" "}
key-accepted-new = server key { $fingerprint } is new and accepted.{" "}
key-changed = the key of { $server } has changed (expected { $fingerprint }): someone may be intercepting the connection. If you know why it changed, join with a new invite, or accept the new key with: kabar servers accept { $first }
key-unknown = the key of { $server } is not known: join with an invite, with --fingerprint { $fingerprint } if the host confirms it, or with --accept-new
password-required = this room requires an invite or its password
no-such-host = no such host: { $host }
no-such-host-because = no such host: { $host } ({ $error })
resolve-timeout = could not resolve { $host } within { $seconds } s
no-response = no response from { $server } after { $seconds } s: wrong address, a firewall, or the room is not running
connection-refused = { $server } refused the connection: the room is not running there
unreachable = cannot reach { $server }: { $error }
not-admitted = { $server } answered but did not admit you within { $seconds } s
connection-lost = Connection lost: { $reason }{ $slept }; trying again. What you type is kept.
lost-asleep = {" "}(this computer was asleep for { $duration })
lost-silent = no response from the server
lost-unknown = the server no longer knows this connection
lost-shutdown = the server is shutting down
lost-try-later = the server does not admit members at the moment
lost-closed = the connection was closed
reconnected = Connected again after { $seconds } s{ $details }.
reconnected-restarted = ; the server was restarted
reconnected-nothing-missed = ; nothing was missed
reconnected-members = ; { $members } here
not-connected = (not connected)
server-text = (server: { $text })

## How a room is joined, and how it ends

joined = Joined { $room } as { $name }; { $members } here{ $history }{ $end }
joined-also = Also joined { $room }; { $members } here{ $history }. /room { $room } shows it.
joined-last-lines = { $lines ->
    [one] ; last line
   *[other] ; last { $lines } lines
}
joined-new-lines = { $lines ->
    [0] ; nothing new since your last visit
    [one] ; 1 new line since your last visit
   *[other] ; { $lines } new lines since your last visit
}
own-name = you are { $name } here; /nick NAME changes it
hosting = You are { $name }. /help for help, /quit to leave (this ends the room for the others).
parted = left { $room }
end-key-rejected = the server's key was declined
end-key-mismatch = the server at { $server } does not have the key named in the invite
end-proof-invalid = the server at { $server } does not know the room's secret: it does not host this room
end-replaced = { $name } joined from too many places: this session was replaced
end-kicked = you were kicked from the room
end-banned = you are banned from this room
end-room-closed = the room is closed
end-other = the server ended the membership ({ $code })
end-closed = the server closed the connection ({ $code })
end-left = the session ended
refused-secret = wrong secret: this is not a valid invite to { $room }, or no longer one
refused-password = wrong password
refused-no-credential = { $room } requires an invite or its password (--password-file, KABAR_PASSWORD)
join-name-taken = the name { $name } is taken: choose another with --name
join-name-not-allowed = the name { $name } is not allowed: choose another with --name
join-unknown-room = there is no room { $room } on this server
join-room-full = the room is full
join-version = the server uses another version of the chat protocol
join-refused = the server refused to admit you: { $reason }
join-signature = the signature is not valid
join-instance = this session belongs to another identity
join-unknown-reason = unknown reason { $code }

## Rooms

room-heading-private = {" "}(private)
room-heading-nothing-new = ; nothing new
room-lines-left-out = { $lines ->
    [one] (1 earlier line is left out; /history shows it)
   *[other] ({ $lines } earlier lines are left out; /history shows them)
}
room-unread = #{ $room }: { $lines ->
    [one] 1 new line
   *[other] { $lines } new lines
}
room-unread-mention = #{ $room }: { $author } mentions you; { $lines ->
    [one] 1 new line
   *[other] { $lines } new lines
}
room-topic = Topic: { $topic }
room-no-topic = this room has no topic
room-list = { $rooms ->
    [one] 1 room (* you are in; > shown):
   *[other] { $rooms } rooms (* you are in; > shown):
}
room-members = { $members } here
room-row-private = ; private
room-row-unread = { $lines ->
    [one] ; 1 new line
   *[other] ; { $lines } new lines
}
room-ended-next = ; /room NAME shows another room
room-no-name = { $typed } is neither an invite nor the name of a room (a to z, 0 to 9, - and _)
room-other-server = this invite is for another server: use `kabar join INVITE` at another terminal
room-not-in = you are not in { $room } (/join joins a room, /rooms lists them)
room-not-joined-yet = the server has not admitted you to { $room } yet
room-only = { $room } is the only room that you are in: /quit leaves
room-none-shown = no room is shown: /room NAME shows one ({ $rooms })
room-joined-already = you are in { $room } already
room-still-leaving = { $room } is being left until your lines there are stored: try again in a moment
room-too-many = you are in { $rooms } rooms, which is as many as can be: /part one first

## Posts

not-stored-yet = (not stored yet: { $text })
waiting-for-storage = { $lines ->
    [one] 1 line is not stored yet: waiting up to { $seconds } s (Ctrl-C leaves at once)
   *[other] { $lines } lines are not stored yet: waiting up to { $seconds } s (Ctrl-C leaves at once)
}
not-posted-too-long = not sent: { $len } bytes are too long
not-posted-not-in-room = not sent: you are not in the room
not-posted-too-many = not sent: too many lines wait
post-refused = not sent, { $reason }{ $excerpt }
post-too-long = it is too long for this server
post-muted = you are muted in this room
post-kind = this kind of message can only be sent by the server
post-content = the server does not have the content of the file
rejected-line = line { $number }{" "}
rejected-too-long = { $line }not sent: { $len } bytes; a text has at most { $max }
rejected-not-utf8 = { $line }not sent: not UTF-8 text
rejected-no-room = { $line }not sent: you are not in the room that was chosen
invalid-bytes = (input that is not UTF-8 was dropped, with everything typed or pasted together with it: set this terminal to UTF-8)
outbox-resumed = { $lines ->
    [one] (1 line was typed earlier; sending now)
   *[other] ({ $lines } lines were typed earlier; sending now)
}

## Requests to the server

refused-not-permitted = you may not do this
refused-not-found = there is no such thing
refused-name-taken = the name is taken
refused-name-not-allowed = the name is not allowed
refused-try-later = not possible at the moment; try again later
refused-limit = a limit of the server is reached
refused-unchanged = it is so already
refused-other = the server refused it (reason { $code })
unanswered = (no answer from the server to { $word }; it may be an earlier version, without this command)
unanswered-lost = (the connection was lost before the server answered { $word }: it may have taken effect)
members-here = { $members } here: { $names }
renamed = You are { $name } now.
not-renamed = you stay { $name }: { $reason }
rename-same = that is your name already
not-removed = message { $seq } stays: { $reason }
nothing-to-remove = no message of yours to delete is here: /history shows numbers, /delete NUMBER takes one

## What is displayed

ignored = lines of { $name } are hidden from now on (/unignore { $name } displays them again)
ignored-already = { $name } is ignored already
unignored = lines of { $name } are displayed again
unignored-already = { $name } is not ignored
ignore-own-name = you cannot ignore yourself
ignore-too-many = { $max } names are ignored already: /unignore one first
ignore-list = ignored: { $names }
ignore-list-empty = nobody is ignored
joins-shown = joins and leaves are displayed from now on
joins-hidden = joins and leaves are hidden from now on
notify-all = all lines of this room are announced from now on
notify-mentions = lines of this room that mention you are announced from now on
notify-nothing = nothing of this room is announced from now on
new-entries = --- new since your last visit ---
gap = { $lines ->
    [one] (1 line is missing here: the server no longer keeps them)
   *[other] ({ $lines } lines are missing here: the server no longer keeps them)
}
event-history-reset = (the history of this room was reset to an older state: the following entries are displayed again)
history-none-before-beginning = there are no earlier lines: this is the beginning of the room
history-none-kept = there are no earlier lines: the server no longer keeps them
history-all-hidden = all lines of this page are hidden (/history more shows earlier ones)
history-last-lines = { $lines ->
    [one] the last 1 line of the room
   *[other] the last { $lines } lines of the room
}{ $earlier ->
    [possible] {" "}(/history more shows earlier ones)
    [not-kept] {" "}(earlier ones are no longer kept)
   *[beginning] {""}
}:
history-earlier-lines = { $lines ->
    [one] 1 earlier line
   *[other] { $lines } earlier lines
}{ $earlier ->
    [possible] {" "}(/history more shows earlier ones)
    [not-kept] {" "}(earlier ones are no longer kept)
   *[beginning] , from the beginning of the room
}:
notices-skipped = ({ $notices } notices skipped: they could not be written)

## What was lost

loss-server-not-stored = could not add this room to the known servers: { $error }
loss-output = cannot write to { $stream }: { $error }
loss-output-not-read = nobody reads { $stream }: the rest was not written
loss-position = could not save your position in this room: { $error }
stdin = standard input
stdout = standard output
stderr = standard error
not-kept-server = (could not add this room to the known servers: { $error })
not-kept-parting = (that you left the room is not kept: { $error })
not-kept-preferences = (what you ignore, hide or let announce is not kept: { $reason })
position-not-read = (could not read your last position in this room: { $error })
position-saved-again = (your position in this room is saved again)

## The local history

history-none = there is no history on this computer yet: it begins when you join a room
history-no-room = no room { $room } in your history: { $rooms }
history-entry-missing = (entry { $seq } is not stored here)
history-entries-missing = (entries { $first } to { $last } are not stored here)
history-reset = (the history of the room was reset)
history-set-aside = (your local history { $reason }: it is { $path } now, and a new one begins)
history-not-kept = (your history is not kept: { $reason }; what you type is sent, and lost if this program ends before)
history-kept-again = (your history is kept again)
history-not-written = the file cannot be written: { $reason }
history-missing = there is no history: { $path } does not exist
history-older = the history { $path } was written by an earlier version: join a room to upgrade it
history-unusable = the history { $path } { $reason }
history-storage = the history { $path } cannot be used: { $reason }
history-is-damaged = is damaged
history-is-newer = was written by a later version
history-too-many-aside = too many files were set aside
history-is-foreign = is a database of another program

## Commands that are typed

help-at-prompt = Tab completes names, rooms and commands; the arrow keys recall what you typed.
help-at-terminal = There is no prompt here: this terminal (see TERM), or the output, does not allow one.
help-in-pipes = Every other line is posted as it is, to the room that is shown: the first one, until a line `/room NAME`. More commands are available at a terminal.
help-for-operators = For operators of the server:
help-slashes = send text that begins with /
help-who = who is here
help-history = the last N lines of the room ({ $lines }, at most { $max }), with their numbers; then those before
help-me = describe what you do
help-nick = take another name
help-delete = remove your last message, or the one with this number, from the room
help-ignore = hide the messages of a member, from now on; without a name, list who is ignored
help-unignore = display them again
help-joins = display or hide joins and leaves, from now on
help-notify = ring the bell or notify for all lines of this room, for those that mention you, or for none
help-rooms = the rooms of this server, with their topics, and which ones you are in
help-room = show this room; what you type goes there
help-join = join another room of this server
help-part = leave this room, or the one with this name
help-topic = show what this room is about; with TEXT, change it (for operators)
help-cancel = cancel a transfer
help-get = receive a file, by the number of its entry or its name (a name of digits in quotes: "12")
help-send = send a file to this room
help-transfers = list the files that are being sent and received
help-stats = connection status: delay, loss, damaged and forged packets
help-help = this list
help-quit = leave when everything you sent is stored; also !q or Ctrl-D (Ctrl-C: at once)
help-operator-kick = disconnect a member, who may return
help-operator-ban = keep a person out, under any name
help-operator-unban = end that
help-operator-mute = refuse the messages of a member
help-operator-unmute = end that
help-operator-bans = who is banned or muted
help-operator-release = free a name whose owner is away
help-operator-op = make a member an operator
help-operator-deop = end that
help-operator-ops = who is an operator or trusted
help-operator-trust = let a member post at any rate
help-operator-untrust = end that
help-operator-invite = the invite
help-operator-accept = admit somebody who waits
help-operator-room = create, change, close or list rooms
help-operator-server = any command of the server, as at its console
usage = usage: { $command }
usage-history = usage: { $command } (1 to { $max })
unknown-command = unknown command { $word }{ $meant } (/help lists all; start with // to send text that begins with /)
unknown-command-meant = : did you mean { $word }?
space-before-command = not sent: remove the space before the command, or write // to send text that begins with /

## Files that are sent and received

cancel-member-quota = your files on this server take as much space as they may
cancel-not-found = the server does not have it
cancel-not-permitted = you may not do that in this room
cancel-other = the server refused it (reason { $code })
cancel-removed = it was removed from the server
cancel-server-quota = the server has no space for more files
cancel-too-large = it is larger than this server takes
file-busy = another process is receiving it
file-changed = it was changed while it was being sent
file-damaged = its partial file was damaged, and is received again
file-directory = it is a directory; make one file of it, for example with tar -czf NAME.tar.gz NAME
file-exists = a file with this path exists
file-not-proven = what the server sent is not the file (from byte { $offset } on)
file-not-regular = it is not a regular file
file-too-long = it is larger than { $max }
file-not-received = the file was not received
files-not-sent = { $files ->
    [one] { $files } file was not sent
   *[other] { $files } files were not sent
}
get-no-room = no room is known: name one with --from
send-no-name = { $path } has no name that can be sent: give it one with --as NAME
send-one-name = --as is for one file
transfer-cancelled = { $name }: cancelled
transfer-done = done
transfer-hashing = reading, { $percent } % of { $size }
transfer-hashing-short = reading, { $percent } %
transfer-is-cancelled = cancelled
transfer-name = its name cannot be sent
transfer-no-folder = there is no folder for downloads (see the setting `downloads`)
transfer-no-such-file = no entry here has such a file
transfer-no-thread = the system gives no thread
transfer-not-in-room = you are no longer in the room
transfer-not-received = not received: { $name }: { $reason }
transfer-not-sent = not sent: { $name }: { $reason }
transfer-not-started = not possible: { $name }: { $reason }
transfer-not-supported = this server takes no files
transfer-opening = reading
transfer-progress = { $percent } % of { $size }, { $rate }/s, { $left } left
transfer-progress-left = { $percent } %, { $left } left
transfer-progress-short = { $percent } %, { $rate }/s, { $left } left
transfer-progress-unknown = { $percent } % of { $size }
transfer-protocol = the server answered something that it must not
transfer-received = received: { $path }
transfer-receiving = receiving { $name } (/cancel { $number })
transfer-sending = sending { $name } (/cancel { $number })
transfer-sent = sent: { $name }
transfer-storing = being stored
transfer-too-many = there are too many transfers
transfer-wait-connection = waiting for the server
transfer-wait-disk = the disk is full
transfer-wait-others = waiting for its turn
transfer-wait-server = the server does not take it at the moment; trying again
transfer-waits = { $name } waits: { $reason }
transfers-heading = Transfers (up and down select, delete cancels, escape closes)
transfers-none = no file is being sent or received

## The status of the connection (/stats)

stats =
    round trip     { $rtt }
    sent           { $sent } packets, { $sent_bytes } bytes; { $lost } lost ({ $lost_percent }), { $resent } retransmitted
    received       { $received } packets, { $received_bytes } bytes
    damaged        { $damaged } (CRC-32: corrupted in transit)
    not authentic  { $not_authentic } (forged, or corrupted in a way that CRC-32 does not detect)
    replayed       { $replayed }, too old { $stale }, malformed { $malformed }, dropped for lack of memory { $buffer_full }
    connections    { $connections }
stats-ignored = { $lines ->
    [one] ignored        1 line
   *[other] ignored        { $lines } lines
}
stats-rtt-unknown = not known yet

## Questions

question-yes-or-no = { $question } [y/N]{" "}
question-accept-key = Is this the fingerprint in the host's invite?
question-confirm-key = Does its operator confirm this key?
question-password = Password of { $room }:{" "}
question-password-again = Wrong password. Password of { $room }:{" "}
question-password-not-utf8 = not UTF-8 text: set this terminal to UTF-8.{" "}
question-passphrase = Passphrase:{" "}
question-new-passphrase = New passphrase:{" "}
question-passphrase-again = Again:{" "}
key-known = known key for { $server }:  { $fingerprint }
key-present = the server's key now:  { $fingerprint }

## kabar without a subcommand

wizard-no-terminal = kabar asks where to go only at a terminal: use `kabar join INVITE` or `kabar host`, or see kabar --help
wizard-not-text = not UTF-8 text, or far too long: set this terminal to UTF-8
wizard-where = Where is the room? An invite (kabar://...) or the address of its host; `kabar host` creates a room.
wizard-known-rooms = Rooms you know:
wizard-known-room = { $room } at { $address }
wizard-known-room-as = { $room } at { $address }, as { $name }
wizard-room = Number, invite or address [1]:{" "}
wizard-address = Address:{" "}
wizard-no-such-number = no room with this number: 1 to { $rooms }
wizard-no-address = an address is needed, as 192.168.0.162 or 192.168.0.162:9999
wizard-password = Password (Enter if there is none):{" "}
wizard-port = Port [{ $port }]:{" "}
wizard-name = Nickname [{ $usual }]:{" "}

## kabar host

host-generating-key = generating the server key (once) ...
host-room = Kabar room "{ $room }", hosted on this computer (history: { $history })
host-reachable = Others on this network join with:
host-local = With this address only this computer can join:
host-addresses = This computer's addresses (the invite names those marked *; --advertise HOST names others):
interface-vpn = VPN
interface-container = container bridge
interface-virtual-machine = virtual machines
interface-loopback = this computer only
host-interface = To join, people add an interface of their computer to the invite: { $reason }
host-firewall = If they cannot reach you: allow UDP port { $port } in this computer's firewall.

## kabar web

web-opened = Kabar is in your browser. Otherwise open:
web-open = Open in a browser:
web-secret = Whoever has this address reads and writes as you, on this computer. Ctrl-C ends it.
web-scroll-up = scroll up to see earlier messages
web-no-search = there is no history on this computer to search in
web-file-in-no-room = not sent: { $name }: you are not in the room
web-no-paths = a page sends no file by its path: use the button beside the message field, or drop the file onto the page

## kabar servers, kabar identity

list-no-rooms = no rooms yet: kabar join INVITE, or kabar host to host one
list-heading-room = ROOM
list-heading-name = NAME
list-heading-fingerprint = FINGERPRINT
list-heading-addresses = ADDRESSES (last first)
list-you = you
list-names = names: { $names }

## kabar bridge

bridge-started = bridging { $port } to { $server }
bridge-devices-on = devices on { $path }
bridge-port-missing = { $port } is not there; waiting for it
bridge-port-found = { $port } is there
bridge-port-lost = { $port } went away; waiting for it
bridge-port-failed = { $port } went away ({ $error }); waiting for it
bridge-port-back = { $port } is back
bridge-device-connected = a device has connected
bridge-device-refused = a device was refused: { $connected } are connected
bridge-device-failed = device error: { $error }
bridge-device-disconnected = a device has disconnected
bridge-resolved = { $server } is at { $addresses }
bridge-not-resolved = cannot resolve { $host } ({ $error }); trying again
bridge-unresolved = the address of { $server } was never resolved
bridge-cannot-open = cannot open { $path }: { $error }
bridge-not-a-port = neither a serial port nor a pipe
bridge-cannot-listen = cannot listen on { $path }: { $error }
bridge-stopped = forwarded { $to_server } packets to the server and { $to_devices } to devices

## The full screen

screen-none = no full screen, but lines: { $reason }
screen-no-term = TERM is not set
screen-terminal-type = a terminal of type { $name } cannot display it
screen-too-small = the terminal has { $columns }x{ $rows } cells, and it needs { $min_columns }x{ $min_rows }
screen-placeholder = type a message; F1: help; /quit leaves
screen-placeholder-without-room = F1: help; /quit leaves
screen-no-room = You are in no room: /join INVITE joins one, /quit leaves. `kabar host` creates a room.
screen-hosting = This computer hosts the room: it ends for the others when you leave (/quit).
screen-too-long = not sent: { $len } bytes, at most { $max }
screen-not-sent-no-room = not sent: you are in no room (see /join)
screen-no-server = you are on no server (/join INVITE connects to one)
screen-in-no-room = you are in no room (see /join)
screen-no-room-name = no room can be called { $name }
screen-not-in-room = you are not in #{ $name } ({ $join } { $name } joins it)
screen-no-such-room = you are in no such room
screen-copied = copied, if your terminal permits it: { $text }
screen-nothing-to-copy = no message is selected, and there is no invite in this room
screen-nothing-to-remove = there is no message of yours to remove
screen-topic = topic: { $topic }
screen-no-topic = the room has no topic
screen-text-cut = the text is too long: its end was left out
screen-room-list = { $rooms } rooms (* joined):
screen-room-private = , by invite
screen-bare = (select and copy; any key shows the screen again)
screen-position = your position in the room is not saved: { $error }
screen-more-members = and { $members } more
screen-search = search:{" "}
screen-search-not-found = not found:{" "}
screen-accept-key = accept the key of { $server }? (y/n){" "}
screen-password = password of #{ $room }:{" "}
screen-password-again = wrong password; password of #{ $room }:{" "}
screen-checking-password = checking the password of #{ $room }{" "}
screen-cancel-transfer = cancel { $name }? (y/n){" "}
screen-leave = { $unsent ->
    [0] leave? (y/n, Ctrl-C leaves){" "}
   *[other] leave? { $unsent } unsent (y/n, Ctrl-C leaves at once){" "}
}
status-connecting = connecting
status-reconnecting = reconnecting
status-connected = connected
status-disconnected = disconnected
status-off = off
status-joining = joining
status-not-in-room = not in this room
status-more-below = more below
status-unsent = { $posts } unsent
status-new = new:{" "}
keys-heading = Keys (escape closes this, pageup and pagedown scroll)
commands-heading = Commands
keys-show-room = show a room
keys-send = send
keys-new-line = begin another line
keys-complete = complete names, commands, rooms, files, :emoji:
keys-rooms = next, previous room
keys-active = next room with something new
keys-scroll = scroll
keys-ends = beginning, end
keys-search = search
keys-select = select a message (enter receives a file)
keys-quote = quote it, or the last one
keys-members = show or hide the members
keys-transfers = files that are sent and received
keys-copy = copy the selected message, or the last invite
keys-bare = text alone, for the mouse to copy
keys-recall = move; recall what was typed
keys-move = move
keys-words = move by words
keys-line = beginning, end of the line
keys-delete = delete
keys-delete-word = delete a word
keys-delete-to = delete to the beginning, end
keys-yank = insert what was deleted; undo
keys-clear = clear the input; leave
keys-redraw = draw again; suspend
keys-close = close
keys-help = this help

## Entries

day = { $weekday ->
    [1] Mon
    [2] Tue
    [3] Wed
    [4] Thu
    [5] Fri
    [6] Sat
   *[7] Sun
} { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
} { $year }
new-rule = new
entry-joined = { $names } joined
entry-left = { $names } left
entry-kicked = { $author } was kicked
entry-renamed = { $author } is now known as { $name }
entry-removal = { $author } removed message { $seq }
entry-removal-unknown = { $author } removed a message
entry-removed = [removed]
entry-topic = { $author } set the topic: { $topic }
entry-topic-removed = { $author } removed the topic
entry-file = { $author } sent a file: { $name } ({ $size }); to receive it: /get { $name }
entry-file-name = file { $name }
entry-file-get = {"; "}/get { $seq } receives it
entry-data = { $author } sent { $size } bytes of data
entry-unknown = { $author } sent { $size } bytes of unknown kind { $kind }
entry-too-large = sent { $size } bytes, too many to display
line-joined = { $author } has joined the chat!
line-left = { $author } has left the chat!
line-kicked = { $author } was kicked from the chat!
line-kicked-because = { $author } was kicked from the chat: { $reason }

## The page in a browser (kabar web)

page-answer = Answer
page-attach = Send files
page-by-invite = by invite
page-close = Close
page-command-accept = admit somebody who waits
page-command-ban = keep a person out, under any name
page-command-bans = list who is banned or muted
page-command-cancel = cancel a transfer of a file
page-command-delete = remove your last message, or the one with this number
page-command-deop = make an operator an ordinary member
page-command-get = receive a file, by the number of its message or its name
page-command-help = show this help
page-command-ignore = hide the messages of a member; without a name, list who is ignored
page-command-invite = show the invite
page-command-join = join a room of this server, or the room of an invite
page-command-joins = show or hide joins and leaves
page-command-kick = disconnect a member, who may return
page-command-me = describe what you do
page-command-mute = refuse the messages of a member
page-command-nick = take another name
page-command-notify = choose which messages of this room notify you: all, mentions or off
page-command-op = make a member an operator
page-command-ops = list who is an operator or trusted
page-command-part = leave this room, or the one with this name
page-command-quit = leave all rooms and end the program, when everything you sent is stored
page-command-release = free a name whose owner is away
page-command-room = show this room; operators also create, change, close and list rooms with it
page-command-rooms = list the rooms of this server
page-command-server = any command of the server, as at its console
page-command-stats = show the status of the connection
page-command-topic = show the topic; with a text, change it (operators)
page-command-transfers = list the files that are being sent and received
page-command-trust = let a member post at any rate
page-command-unban = let a banned person in again
page-command-unignore = show the messages of a member again
page-command-unmute = let a muted member post again
page-command-untrust = limit the rate of a member again
page-command-who = list who is here
page-commands = Commands
page-commands-for-operators = Commands for operators
page-completions = Completions
page-connection-connecting = connecting
page-connection-ended = not connected
page-connection-lost = connection lost
page-connection-online = connected
page-delete = Delete
page-drop-folder = { $name } is a folder. Make one file of it, for example with tar -czf { $name }.tar.gz { $name }
page-drop-here = Drop files here to send them to { $room }
page-entry-data = { $author } sent { $size } bytes of data
page-entry-joined = { $author } joined
page-entry-kicked = { $author } was kicked
page-entry-kicked-reason = { $author } was kicked: { $text }
page-entry-left = { $author } left
page-entry-removal = { $author } removed a message
page-entry-removed = { $author }: message removed
page-entry-renamed = { $author } is now known as { $text }
page-entry-too-large = { $size } bytes, too many to show
page-entry-topic = { $author } set the topic: { $text }
page-entry-topic-removed = { $author } removed the topic
page-entry-unknown = { $author } sent { $size } bytes of an unknown kind ({ $kind })
page-file-disk-full = not sent: { $name }: the disk of this computer is full
page-file-not-taken = not sent: { $name }: Kabar on this computer cannot store it
page-file-save = Save
page-file-save-named = Save { $name }
page-file-too-large = not sent: { $name }: it is too large
page-files = Files
page-files-clear = Clear finished
page-help = Help
page-ignore = Ignore
page-join = Join
page-join-again = Join again
page-join-hint = An invite begins with kabar://. You get one from whoever hosts the room.
page-join-label = Invite, host or name of a room
page-join-title = Join a room
page-key-accept = Accept this key
page-key-arrows = in the list of messages: select one; Enter or R replies, Delete removes your own
page-key-arrows-name = Up, Down
page-key-decline = Do not connect
page-key-enter = send
page-key-enter-name = Enter
page-key-hint = Accept it only if whoever runs the server confirms this fingerprint.
page-key-rooms = previous or next room
page-key-rooms-name = Alt+Up, Alt+Down
page-key-search = search
page-key-search-name = Ctrl+Shift+F
page-key-shift-enter = new line
page-key-shift-enter-name = Shift+Enter
page-key-tab = complete a name, /command, #room or :emoji
page-key-tab-name = Tab
page-key-text = The key of { $server } is not known on this computer yet. Its fingerprint is:
page-key-title = Unknown server
page-keys = Keys
page-members = Members
page-members-here = { $count ->
    [one] { $count } member here
   *[other] { $count } members here
}
page-mention-member = Mention { $name }
page-mentions = { $count ->
    [one] { $count } mention
   *[other] { $count } mentions
}
page-message = Message
page-message-first = Join a room first: /join INVITE
page-message-to = Message to { $room }
page-milliseconds = { $ms } ms
page-more-members = and { $count } more
page-no-rooms = You are in no room yet. Join one with an invite.
page-not-stored = (not stored yet)
page-notification = { $name } in { $room }
page-notifications-on = Notify me of mentions
page-password-label = Password of { $room }
page-password-none = I have none
page-password-send = Join
page-password-title = This room has a password
page-password-wrong = The password was wrong.
page-program-ended = Kabar has ended. You can close this page.
page-program-gone = No connection to Kabar on this computer. Is it still running? Trying again.
page-question-waits = The server waits for your answer.
page-reply = Reply
page-room-ended = You are no longer in this room.
page-room-list-title = Rooms of the server
page-rooms = Rooms
page-rooms-of = Rooms of { $server }
page-search = Search
page-search-everywhere = in all rooms
page-search-label = Words to find
page-search-more = There are more: use more words.
page-search-nothing = Nothing found.
page-send = Send
page-show = Show
page-skip-to-input = Skip to the message field
page-to-end = To the newest message
page-transcript = Messages
page-transfer-cancel = Cancel { $name }
page-transfer-cancelled = cancelled
page-transfer-copying = being read
page-transfer-hashing = being checked
page-transfer-left = { $left } left
page-transfer-of = { $done } of { $size }
page-transfer-rate = { $rate }/s
page-transfer-received = received
page-transfer-receiving = Receiving { $name }
page-transfer-sending = Sending { $name }
page-transfer-sent = sent
page-transfer-storing = being stored
page-unread-line = new since your last visit
page-unread = { $count ->
    [one] { $count } unread message
   *[other] { $count } unread messages
}
page-unsent = Messages that are not stored yet
page-you = (you)
page-you-are = You are { $name } here.

## Classic servers

classic-unprotected = This is a classic server: nothing is protected. Anyone on the way reads and changes every line, and learns the password. Nothing is confirmed either: your own lines are shown when they are sent, and may be lost.
classic-colons-replaced = A classic server takes no colon in a line: it is sent as { "\uFF1A" }.
classic-not-there = a classic server does not have that
classic-one-room = a classic server has only one room
classic-password-required = a classic server requires its password (--password-file, KABAR_CLASSIC_PASSWORD)
classic-login-not-understood = the server does not understand name and password: { $text }
classic-login-too-long = name and password are too long for a classic server
classic-login-not-in-key = name or password has a character that the key of this server is too small for: { $character }
joined-classic = Joined { $room } as { $name }.
members-seen = { $members } seen here so far: { $names }
not-posted-not-in-key = not sent: the key of this server is too small for { $character }
not-posted-empty = not sent: it has only spaces
not-posted-not-there = not sent: a classic server has only plain lines
