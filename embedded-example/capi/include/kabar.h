/* The Kabar client of a device, for C: encrypted, reliable group chat over UDP, in memory that the
 * caller provides. Generated from capi/src by cbindgen; do not edit.
 *
 * It opens no socket, reads no clock, draws no randomness and allocates nothing. After kabar_start,
 * kabar_input, kabar_timeout, kabar_post, kabar_answer_key or kabar_leave:
 *
 *   1. send each datagram that kabar_output writes, until it returns 0;
 *   2. handle each event that kabar_next_event writes, until it returns 0, and start again if that made
 *      you call one of the functions above;
 *   3. sleep until a datagram arrives (kabar_input) or until kabar_next_deadline (kabar_timeout).
 *
 * One client belongs to one thread; do not call these functions from an interrupt. Times are
 * microseconds of a clock that never goes back. Strings have a length and no terminating zero.
 * example/chat.c is a whole program.
 */


#ifndef KABAR_H
#define KABAR_H

#include <stddef.h>
#include <stdint.h>

#if UINTPTR_MAX > 0xffffffff
#define KABAR_CLIENT_LEN KABAR_CLIENT_LEN_64
#define KABAR_CONFIG_LEN KABAR_CONFIG_LEN_64
#define KABAR_EVENT_LEN KABAR_EVENT_LEN_64
#else
#define KABAR_CLIENT_LEN KABAR_CLIENT_LEN_32
#define KABAR_CONFIG_LEN KABAR_CONFIG_LEN_32
#define KABAR_EVENT_LEN KABAR_EVENT_LEN_32
#endif

#define KABAR_NO_DEADLINE UINT64_MAX

// Size of kabar_client with pointers of 64 bits in bytes. The library is compiled only if its
// client has the stated size, and this header only if the C compiler gives the structures the
// stated sizes.
#define KABAR_CLIENT_LEN_64 17544

// Size of kabar_client with pointers of 32 bits in bytes.
#define KABAR_CLIENT_LEN_32 17496

// Size of kabar_config with pointers of 64 bits in bytes.
#define KABAR_CONFIG_LEN_64 112

// Size of kabar_config with pointers of 32 bits in bytes.
#define KABAR_CONFIG_LEN_32 68

// Size of kabar_event with pointers of 64 bits in bytes.
#define KABAR_EVENT_LEN_64 88

// Size of kabar_event with pointers of 32 bits in bytes.
#define KABAR_EVENT_LEN_32 72

// Size of kabar_address in bytes.
#define KABAR_ADDRESS_LEN 20

// Largest datagram in bytes: the room that kabar_output needs.
#define KABAR_DATAGRAM_LEN 1200

// Longest body to post in bytes; longer entries are reported as KABAR_STUB.
#define KABAR_MAX_BODY_LEN 1920

// Length of a fingerprint in bytes.
#define KABAR_FINGERPRINT_LEN 20

// Length of a room's secret in bytes.
#define KABAR_SECRET_LEN 16

// Length of an identity's secret half, and of a seed, in bytes.
#define KABAR_SEED_LEN 32

// Length of an identity's public half in bytes.
#define KABAR_PUBLIC_LEN 32

// Success.
#define KABAR_OK 0

// A null pointer, a length or a number out of range, or a name that is not UTF-8.
#define KABAR_E_ARGUMENT -1

// The outbox is full, which is ordinary; KABAR_OUTBOX_SPACE reports when to try again.
#define KABAR_E_FULL -2

// The body is longer than its kind allows.
#define KABAR_E_TOO_LONG -3

// A text that is not UTF-8.
#define KABAR_E_NOT_TEXT -4

// Members do not post this kind.
#define KABAR_E_KIND -5

// The client is idle, or has ended.
#define KABAR_E_NOT_RUNNING -6

// Kind of a post: text.
#define KABAR_TEXT 1

// Kind of a post: data for programs.
#define KABAR_DATA 2

// Kind of a post: an action.
#define KABAR_ACTION 3

// Event: the server's key is unknown. fingerprint; answer with kabar_answer_key.
#define KABAR_KEY_OFFERED 1

// Event: joined. name: the client's name; members; seq: the largest in the log; code: 1 if the
// client continues where it was.
#define KABAR_JOINED 2

// Event: the history was replaced; before KABAR_JOINED.
#define KABAR_RESET 3

// Event: entries up to seq are no longer kept.
#define KABAR_GAP 4

// Event: an entry. seq, time_ms, name: its author, kind, body, own, number.
#define KABAR_ENTRY 5

// Event: an entry that is too large. As KABAR_ENTRY, without a body; body_len is its length.
#define KABAR_STUB 6

// Event: every post up to number is stored permanently.
#define KABAR_STORED 7

// Event: the post number is refused permanently; code.
#define KABAR_POST_REFUSED 8

// Event: the outbox has room again.
#define KABAR_OUTBOX_SPACE 9

// Event: a notice. body: text for people; code.
#define KABAR_NOTICE 10

// Event: the server does not respond; the client reconnects by itself.
#define KABAR_LOST 11

// Event: the server responds again.
#define KABAR_RECOVERED 12

// Event: the client has ended. code: KABAR_LEFT to KABAR_CLOSED.
#define KABAR_ENDED 13

// End: it left.
#define KABAR_LEFT 0

// End: kabar_answer_key rejected the server's key.
#define KABAR_KEY_DECLINED 1

// End: the server's key is not the expected one.
#define KABAR_KEY_MISMATCH 2

// End: the server does not know the room's secret.
#define KABAR_IMPOSTOR 3

// End: the room does not admit the client. kind: the reason, SPEC 6.3.
#define KABAR_REFUSED 4

// End: replaced, kicked or banned.
#define KABAR_CLOSED 5

// A client. All zero it is idle: a static one is in .bss and needs no initialisation.
typedef union kabar_client {
    // Aligns the client.
    uint64_t alignment;
    // Its memory.
    uint8_t bytes[KABAR_CLIENT_LEN];
} kabar_client;

// The parts of an invite. The texts are parts of the text that was parsed.
typedef struct kabar_invite {
    // One or more of HOST:PORT, with commas between them.
    const char *addresses;
    size_t addresses_len;
    const char *room;
    size_t room_len;
    uint8_t fingerprint[KABAR_FINGERPRINT_LEN];
    uint8_t secret[KABAR_SECRET_LEN];
} kabar_invite;

// An address: family 4 uses the first four bytes of ip, family 6 all sixteen.
typedef struct kabar_address {
    uint8_t family;
    uint8_t ip[16];
    uint16_t port;
} kabar_address;

// The configuration of a client. kabar_start copies everything.
typedef struct kabar_config {
    // The server's address.
    struct kabar_address server;
    // KABAR_FINGERPRINT_LEN bytes, from the invite; null: KABAR_KEY_OFFERED asks.
    const uint8_t *fingerprint;
    // KABAR_SEED_LEN bytes that own the name. Permanent and secret.
    const uint8_t *identity;
    // KABAR_PUBLIC_LEN bytes that kabar_public_identity computed for it; null: kabar_start
    // computes them.
    const uint8_t *public_identity;
    // KABAR_SECRET_LEN bytes, from the invite; null: a password, or nothing.
    const uint8_t *secret;
    const char *password;
    size_t password_len;
    const char *room;
    size_t room_len;
    const char *name;
    size_t name_len;
    // Number of earlier entries wanted; 0: none.
    uint32_t last;
    // Granularity of the clock in us, at most 1000000.
    uint32_t tick_us;
} kabar_config;

// An event. Fields that its type does not name are 0. Pointers are valid until the next call that
// takes the client.
typedef struct kabar_event {
    // KABAR_KEY_OFFERED to KABAR_ENDED.
    uint8_t type;
    uint8_t kind;
    uint8_t code;
    uint8_t own;
    uint16_t members;
    uint64_t seq;
    uint64_t time_ms;
    uint64_t number;
    const uint8_t *name;
    size_t name_len;
    const uint8_t *body;
    size_t body_len;
    uint8_t fingerprint[KABAR_FINGERPRINT_LEN];
} kabar_event;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Required by the linker and never called: no input makes the library panic. It must not
// return.
extern void kabar_panicked(void);

// Initialises memory to an idle client, and overwrites the secrets of the client that was there.
int kabar_init(union kabar_client *client);

// Computes the public half of an identity. A device that keeps it beside the identity saves 1.6
// million instructions at each start. Keep the two together: signatures by a public half of
// another identity are refused, and two signatures of one message under two public halves reveal
// the identity.
int kabar_public_identity(const uint8_t *identity, uint8_t *public_identity);

// Parses an invite: kabar://ADDRESSES/ROOM/FINGERPRINT.SECRET. KABAR_E_ARGUMENT: it is not one.
// Room, fingerprint and secret are valid then; the addresses are as they are written.
int kabar_parse_invite(const char *start, size_t len, struct kabar_invite *invite);

// Begins to join. seed: KABAR_SEED_LEN bytes, fresh and secret.
int kabar_start(union kabar_client *client,
                const struct kabar_config *config,
                const uint8_t *seed,
                uint64_t now_us);

// Handles a datagram, in place. from: null if only the server can have sent it. A datagram that is
// not authentic is dropped.
int kabar_input(union kabar_client *client,
                uint64_t now_us,
                const struct kabar_address *from,
                uint8_t *datagram,
                size_t len);

// Does what is due.
int kabar_timeout(union kabar_client *client, uint64_t now_us);

// Writes the next datagram for the server to out, which has KABAR_DATAGRAM_LEN bytes or more.
// Returns its length, 0 if there is none, or an error.
int kabar_output(union kabar_client *client, uint64_t now_us, uint8_t *out, size_t out_len);

// Returns when to call kabar_timeout; KABAR_NO_DEADLINE: never.
uint64_t kabar_next_deadline(union kabar_client *client, uint64_t now_us);

// Writes the next event. Returns 1, 0 if there is none, or an error.
int kabar_next_event(union kabar_client *client, uint64_t now_us, struct kabar_event *event);

// Posts an entry, which the client keeps until it is stored or refused. number (may be null) is
// the one that KABAR_STORED and KABAR_POST_REFUSED report.
int kabar_post(union kabar_client *client,
               uint8_t kind,
               const uint8_t *body,
               size_t body_len,
               uint64_t *number);

// Answers KABAR_KEY_OFFERED: 0 rejects the key.
int kabar_answer_key(union kabar_client *client, uint64_t now_us, int accept);

// Leaves when every post is stored or refused; KABAR_ENDED follows.
int kabar_leave(union kabar_client *client, uint64_t now_us);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KABAR_H */

#ifdef __cplusplus
#define KABAR_ASSERT static_assert
#else
#define KABAR_ASSERT _Static_assert
#endif
KABAR_ASSERT(sizeof(kabar_client) == KABAR_CLIENT_LEN, "kabar_client has another size");
KABAR_ASSERT(sizeof(kabar_address) == KABAR_ADDRESS_LEN, "kabar_address has another size");
KABAR_ASSERT(sizeof(kabar_config) == KABAR_CONFIG_LEN, "kabar_config has another size");
KABAR_ASSERT(sizeof(kabar_event) == KABAR_EVENT_LEN, "kabar_event has another size");
#undef KABAR_ASSERT
