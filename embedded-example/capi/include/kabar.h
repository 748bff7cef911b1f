/* The Kabar client of a device, for C: encrypted, reliable group chat over UDP, in memory that the caller gives.
 *
 * It opens no socket, reads no clock, draws no randomness and allocates nothing. After any kabar_start, kabar_input, kabar_timeout,
 * kabar_post, kabar_answer_key or kabar_leave:
 *
 *   1. send what kabar_output gives until it gives 0;
 *   2. take what kabar_next_event gives until it gives 0, and begin again if that made you call anything else;
 *   3. sleep until a datagram comes (kabar_input) or kabar_next_deadline (kabar_timeout).
 *
 * One client belongs to one thread; nothing here is for interrupt context. Times are microseconds of a clock that never goes back.
 * Strings have a length and no zero at their end. example/chat.c is a whole program.
 */
#ifndef KABAR_H
#define KABAR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory of a client in bytes; the library is not built if this is not the size of its client. */
#define KABAR_CLIENT_LEN_64 17544
#define KABAR_CLIENT_LEN_32 17496

/* The structures below in bytes, checked on both sides: a compiler that lays them out otherwise does not compile this header. */
#define KABAR_ADDRESS_LEN 20
#define KABAR_CONFIG_LEN_64 112
#define KABAR_CONFIG_LEN_32 68
#define KABAR_EVENT_LEN_64 88
#define KABAR_EVENT_LEN_32 72

#if UINTPTR_MAX > 0xffffffff
#define KABAR_CLIENT_LEN KABAR_CLIENT_LEN_64
#define KABAR_CONFIG_LEN KABAR_CONFIG_LEN_64
#define KABAR_EVENT_LEN KABAR_EVENT_LEN_64
#else
#define KABAR_CLIENT_LEN KABAR_CLIENT_LEN_32
#define KABAR_CONFIG_LEN KABAR_CONFIG_LEN_32
#define KABAR_EVENT_LEN KABAR_EVENT_LEN_32
#endif

#define KABAR_DATAGRAM_LEN 1200    /* room that kabar_output needs */
#define KABAR_MAX_BODY_LEN 1920    /* the longest body to post; longer entries come as KABAR_STUB */
#define KABAR_FINGERPRINT_LEN 20
#define KABAR_SECRET_LEN 16
#define KABAR_SEED_LEN 32
#define KABAR_PUBLIC_LEN 32
#define KABAR_NO_DEADLINE UINT64_MAX

/* A client. All zero it is idle: a static one lies in .bss and needs no initialisation. */
typedef union kabar_client {
    uint64_t alignment;
    uint8_t bytes[KABAR_CLIENT_LEN];
} kabar_client;

/* What calls return: KABAR_OK, or what was wrong. */
enum {
    KABAR_OK = 0,
    KABAR_E_ARGUMENT = -1,    /* a null pointer, a length or a number that is not legal, a name that is not UTF-8 */
    KABAR_E_FULL = -2,        /* the outbox is full: ordinary; KABAR_OUTBOX_SPACE says when to try again */
    KABAR_E_TOO_LONG = -3,    /* the body is longer than its kind may be */
    KABAR_E_NOT_TEXT = -4,    /* a text that is not UTF-8 */
    KABAR_E_KIND = -5,        /* members do not post this kind */
    KABAR_E_NOT_RUNNING = -6  /* idle, or ended */
};

/* An address: family 4 uses the first four bytes of ip, family 6 all sixteen. */
typedef struct kabar_address {
    uint8_t family;
    uint8_t ip[16];
    uint16_t port;
} kabar_address;

/* What a client needs to know; everything is copied. */
typedef struct kabar_config {
    kabar_address server;
    const uint8_t *fingerprint;    /* KABAR_FINGERPRINT_LEN bytes, from the invite; null: KABAR_KEY_OFFERED asks */
    const uint8_t *identity;       /* KABAR_SEED_LEN bytes: who owns the name. Permanent and secret */
    const uint8_t *public_identity; /* KABAR_PUBLIC_LEN bytes that kabar_public_identity gave for it; null: computed by kabar_start */
    const uint8_t *secret;         /* KABAR_SECRET_LEN bytes, from the invite; null: a password, or nothing */
    const char *password;
    size_t password_len;
    const char *room;
    size_t room_len;
    const char *name;
    size_t name_len;
    uint32_t last;                 /* entries wanted from before one came; 0: none */
    uint32_t tick_us;              /* granularity of the clock, at most 1000000 */
} kabar_config;

/* Kinds of posts. */
enum { KABAR_TEXT = 1, KABAR_DATA = 2, KABAR_ACTION = 3 };

/* What happened. Fields that are not named are 0. */
enum {
    KABAR_KEY_OFFERED = 1,    /* fingerprint: answer with kabar_answer_key */
    KABAR_JOINED = 2,         /* name: one's own; members; seq: largest in the log; code: 1 if it goes on where it was */
    KABAR_RESET = 3,          /* the history is another one; before KABAR_JOINED */
    KABAR_GAP = 4,            /* entries up to seq are no longer kept */
    KABAR_ENTRY = 5,          /* seq, time_ms, name: its author, kind, body, own, number */
    KABAR_STUB = 6,           /* an entry that is too large: as KABAR_ENTRY, without a body; body_len is its length */
    KABAR_STORED = 7,         /* every post up to number is stored for ever */
    KABAR_POST_REFUSED = 8,   /* the post number is refused for good; code */
    KABAR_OUTBOX_SPACE = 9,
    KABAR_NOTICE = 10,        /* body: for people to read; code */
    KABAR_LOST = 11,          /* nothing is heard; the client tries again by itself */
    KABAR_RECOVERED = 12,
    KABAR_ENDED = 13          /* code: how */
};

/* Codes of KABAR_ENDED. */
enum {
    KABAR_LEFT = 0,
    KABAR_KEY_DECLINED = 1,
    KABAR_KEY_MISMATCH = 2,   /* the server's key is another one */
    KABAR_IMPOSTOR = 3,       /* the server does not know the room's secret */
    KABAR_REFUSED = 4,        /* the room does not let one in; kind: why, SPEC 6.3 */
    KABAR_CLOSED = 5          /* replaced, kicked or banned */
};

/* Pointers are good until the next call that takes the client. */
typedef struct kabar_event {
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
#define KABAR_ASSERT static_assert
#else
#define KABAR_ASSERT _Static_assert
#endif
KABAR_ASSERT(sizeof(kabar_address) == KABAR_ADDRESS_LEN, "kabar_address is laid out otherwise");
KABAR_ASSERT(sizeof(kabar_config) == KABAR_CONFIG_LEN, "kabar_config is laid out otherwise");
KABAR_ASSERT(sizeof(kabar_event) == KABAR_EVENT_LEN, "kabar_event is laid out otherwise");
#undef KABAR_ASSERT

/* Makes an idle client of any memory, and forgets the secrets of the one that was there. */
int kabar_init(kabar_client *client);

/* Computes the public half of an identity, to be kept beside it: a device spares 1.6 million instructions at each start. Keep the two
 * together. What is signed with a public half of another identity is refused by everybody, and whoever has two signatures of the same
 * message under two public halves can sign as this identity. */
int kabar_public_identity(const uint8_t *identity, uint8_t *public_identity);

/* Begins to join. seed: KABAR_SEED_LEN bytes, fresh and secret. */
int kabar_start(kabar_client *client, const kabar_config *config, const uint8_t *seed, uint64_t now_us);

/* Takes a datagram, in place. from: null if it can only be the server. What is not authentic is dropped. */
int kabar_input(kabar_client *client, uint64_t now_us, const kabar_address *from, uint8_t *datagram, size_t len);

/* Does what is due. */
int kabar_timeout(kabar_client *client, uint64_t now_us);

/* Writes the next datagram for the server to out, of KABAR_DATAGRAM_LEN bytes or more; returns its length, 0 if there is none, or an error. */
int kabar_output(kabar_client *client, uint64_t now_us, uint8_t *out, size_t out_len);

/* When to call kabar_timeout; KABAR_NO_DEADLINE: never. */
uint64_t kabar_next_deadline(kabar_client *client, uint64_t now_us);

/* Takes the next event: 1, 0 if there is none, or an error. */
int kabar_next_event(kabar_client *client, uint64_t now_us, kabar_event *event);

/* Posts; number (may be null) is what KABAR_STORED and KABAR_POST_REFUSED will say. What was taken is kept until it is stored or refused. */
int kabar_post(kabar_client *client, uint8_t kind, const uint8_t *body, size_t body_len, uint64_t *number);

/* Answers KABAR_KEY_OFFERED: 0 declines. */
int kabar_answer_key(kabar_client *client, uint64_t now_us, int accept);

/* Leaves when everything posted is stored or refused; KABAR_ENDED follows. */
int kabar_leave(kabar_client *client, uint64_t now_us);

/* Wanted by the linker and never called: no input makes the library panic. It must not return. */
void kabar_panicked(void);

#ifdef __cplusplus
}
#endif

#endif
