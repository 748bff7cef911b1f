/* The functions' errors for invalid arguments. Prints the line of the first check that fails. */
#include "kabar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                                    \
    do {                                                               \
        if (!(what)) {                                                 \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #what);          \
            exit(1);                                                   \
        }                                                              \
    } while (0)

static kabar_client client;

void kabar_panicked(void) { abort(); }

int main(void) {
    uint8_t identity[KABAR_SEED_LEN] = {1}, seed[KABAR_SEED_LEN] = {2}, secret[KABAR_SECRET_LEN] = {3};
    uint8_t datagram[KABAR_DATAGRAM_LEN], body[2 * KABAR_MAX_BODY_LEN];
    uint64_t number = 0;
    kabar_event event;
    kabar_config config = {
        .server = {.family = 4, .ip = {127, 0, 0, 1}, .port = 9},
        .identity = identity,
        .secret = secret,
        .room = "lobby",
        .room_len = 5,
        .name = "probe",
        .name_len = 5,
        .tick_us = 1,
    };
    memset(body, 'x', sizeof body);

    /* All zero is idle. */
    CHECK(kabar_next_deadline(&client, 0) == KABAR_NO_DEADLINE);
    CHECK(kabar_post(&client, KABAR_TEXT, body, 1, NULL) == KABAR_E_NOT_RUNNING);
    CHECK(kabar_output(&client, 0, datagram, sizeof datagram) == 0);
    CHECK(kabar_next_event(&client, 0, &event) == 0);

    uint8_t public_identity[KABAR_PUBLIC_LEN] = {0};
    CHECK(kabar_public_identity(NULL, public_identity) == KABAR_E_ARGUMENT);
    CHECK(kabar_public_identity(identity, NULL) == KABAR_E_ARGUMENT);
    /* RFC 8032, 7.1, test 1; also where both are the same memory. */
    static const uint8_t private_key[KABAR_SEED_LEN] = {
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
        0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
    static const uint8_t public_key[KABAR_PUBLIC_LEN] = {
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
        0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
    CHECK(kabar_public_identity(private_key, public_identity) == KABAR_OK);
    CHECK(memcmp(public_identity, public_key, sizeof public_key) == 0);
    memcpy(body, private_key, sizeof private_key);
    CHECK(kabar_public_identity(body, body) == KABAR_OK && memcmp(body, public_key, sizeof public_key) == 0);

    static const char text[] = "kabar://192.0.2.1:7,h:8/lobby/AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT.AAAQEAYEAUDAOCAJBIFQYDIOB4";
    kabar_invite invite;
    CHECK(kabar_parse_invite(NULL, 0, &invite) == KABAR_E_ARGUMENT);
    CHECK(kabar_parse_invite(text, strlen(text), NULL) == KABAR_E_ARGUMENT);
    for (size_t len = 0; len < strlen(text); len++) CHECK(kabar_parse_invite(text, len, &invite) == KABAR_E_ARGUMENT);
    CHECK(kabar_parse_invite(text, strlen(text), &invite) == KABAR_OK);
    CHECK(invite.addresses == text + 8 && invite.addresses_len == 15);
    CHECK(invite.room_len == 5 && memcmp(invite.room, "lobby", 5) == 0);
    for (uint8_t at = 0; at < KABAR_SECRET_LEN; at++) CHECK(invite.secret[at] == at && invite.fingerprint[at] == at);

    CHECK(kabar_init(NULL) == KABAR_E_ARGUMENT);
    CHECK(kabar_start(NULL, &config, seed, 0) == KABAR_E_ARGUMENT);
    CHECK(kabar_start(&client, NULL, seed, 0) == KABAR_E_ARGUMENT);
    CHECK(kabar_start(&client, &config, NULL, 0) == KABAR_E_ARGUMENT);
    kabar_config wrong = config;
    wrong.server.family = 5;
    CHECK(kabar_start(&client, &wrong, seed, 0) == KABAR_E_ARGUMENT);
    wrong = config;
    wrong.name_len = 0;
    CHECK(kabar_start(&client, &wrong, seed, 0) == KABAR_E_ARGUMENT);
    wrong = config;
    wrong.room = "\xff\xff";
    wrong.room_len = 2;
    CHECK(kabar_start(&client, &wrong, seed, 0) == KABAR_E_ARGUMENT);
    /* No point of the curve has this y. */
    static const uint8_t no_point[KABAR_PUBLIC_LEN] = {2};
    wrong = config;
    wrong.public_identity = no_point;
    CHECK(kabar_start(&client, &wrong, seed, 0) == KABAR_E_ARGUMENT);
    wrong.identity = private_key;
    wrong.public_identity = public_key;
    CHECK(kabar_start(&client, &wrong, seed, 0) == KABAR_OK);
    CHECK(kabar_init(&client) == KABAR_OK);
    wrong = config;
    wrong.identity = NULL;
    CHECK(kabar_start(&client, &wrong, seed, 0) == KABAR_E_ARGUMENT);
    wrong = config;
    wrong.tick_us = 1000001;
    CHECK(kabar_start(&client, &wrong, seed, 0) == KABAR_E_ARGUMENT);

    CHECK(kabar_start(&client, &config, seed, 0) == KABAR_OK);
    CHECK(kabar_output(&client, 0, datagram, sizeof datagram - 1) == KABAR_E_ARGUMENT);
    CHECK(kabar_output(&client, 0, datagram, sizeof datagram) == KABAR_DATAGRAM_LEN);
    CHECK(datagram[0] == 0x11);
    CHECK(kabar_output(&client, 0, datagram, sizeof datagram) == 0);
    CHECK(kabar_input(&client, 0, NULL, NULL, 5) == KABAR_E_ARGUMENT);
    CHECK(kabar_input(&client, 0, NULL, body, sizeof body) == KABAR_OK);
    CHECK(kabar_next_deadline(&client, 0) != KABAR_NO_DEADLINE);

    CHECK(kabar_post(&client, KABAR_TEXT, body, sizeof body, NULL) == KABAR_E_TOO_LONG);
    memset(body, 'x', sizeof body);
    CHECK(kabar_post(&client, KABAR_TEXT, (const uint8_t *)"\xff", 1, NULL) == KABAR_E_NOT_TEXT);
    CHECK(kabar_post(&client, 16, body, 1, NULL) == KABAR_E_KIND);
    CHECK(kabar_post(&client, KABAR_DATA, NULL, 0, &number) == KABAR_OK && number == 1);
    CHECK(kabar_post(&client, KABAR_TEXT, NULL, 1, NULL) == KABAR_E_ARGUMENT);
    CHECK(kabar_post(&client, KABAR_TEXT, body, 1500, &number) == KABAR_OK && number == 2);
    CHECK(kabar_post(&client, KABAR_TEXT, body, 1500, &number) == KABAR_E_FULL && number == 2);

    CHECK(kabar_init(&client) == KABAR_OK);
    CHECK(kabar_post(&client, KABAR_TEXT, body, 1, NULL) == KABAR_E_NOT_RUNNING);
    return 0;
}
