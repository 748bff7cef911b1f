/* A member in C: joins by an invite, posts the lines of its standard input, and prints the entries.
 *
 *     chat kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET NAME
 *
 * POSIX, IPv4. Each run has a new identity; a device keeps its identity with its settings. */
#define _POSIX_C_SOURCE 200809L
#include "kabar.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static kabar_client client; /* all zero: idle */

void kabar_panicked(void) { abort(); }

static uint64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void fail(const char *what) {
    fprintf(stderr, "chat: %s\n", what);
    exit(2);
}

/* The first address of IPv4 in an invite. */
static struct sockaddr_in server_of(const kabar_invite *invite) {
    struct sockaddr_in server = {.sin_family = AF_INET};
    const char *address = invite->addresses, *end = address + invite->addresses_len;
    while (address < end) {
        const char *comma = memchr(address, ',', (size_t)(end - address)), *next = comma ? comma : end;
        const char *colon = memchr(address, ':', (size_t)(next - address));
        char host[INET_ADDRSTRLEN];
        if (colon && (size_t)(colon - address) < sizeof host) {
            memcpy(host, address, (size_t)(colon - address));
            host[colon - address] = 0;
            if (inet_pton(AF_INET, host, &server.sin_addr) == 1) {
                server.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
                return server;
            }
        }
        address = next + 1;
    }
    fail("the invite has no IPv4 address");
    return server;
}

static void print(const kabar_event *event) {
    switch (event->type) {
    case KABAR_JOINED:
        fprintf(stderr, "joined as %.*s, %u here\n", (int)event->name_len, (const char *)event->name, event->members);
        break;
    case KABAR_ENTRY:
        if (event->kind == KABAR_TEXT)
            printf("%.*s: %.*s\n", (int)event->name_len, (const char *)event->name, (int)event->body_len, (const char *)event->body);
        break;
    case KABAR_STUB:
        printf("%.*s: (%zu bytes)\n", (int)event->name_len, (const char *)event->name, event->body_len);
        break;
    case KABAR_STORED:
        fprintf(stderr, "stored up to %llu\n", (unsigned long long)event->number);
        break;
    case KABAR_LOST:
        fprintf(stderr, "connection lost; trying again\n");
        break;
    default:
        break;
    }
    fflush(stdout);
}

/* Sends all datagrams and prints all events. True when the client has ended, with its code. */
static bool drain(int udp, uint8_t *code) {
    uint8_t datagram[KABAR_DATAGRAM_LEN];
    kabar_event event;
    int len;
    while ((len = kabar_output(&client, now_us(), datagram, sizeof datagram)) > 0)
        (void)!send(udp, datagram, (size_t)len, 0); /* the client sends lost datagrams again */
    while (kabar_next_event(&client, now_us(), &event) == 1) {
        print(&event);
        if (event.type == KABAR_ENDED) {
            *code = event.code;
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv) {
    if (argc != 3) fail("usage: chat INVITE NAME");
    kabar_invite invite;
    if (kabar_parse_invite(argv[1], strlen(argv[1]), &invite) != KABAR_OK) fail("this is not an invite");
    struct sockaddr_in server = server_of(&invite);
    uint8_t seeds[2][KABAR_SEED_LEN];
    if (getrandom(seeds, sizeof seeds, 0) != (ssize_t)sizeof seeds) fail("no randomness");

    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    if (udp < 0 || connect(udp, (struct sockaddr *)&server, sizeof server) != 0) fail("no socket");

    kabar_config config = {
        .server = {.family = 4, .port = ntohs(server.sin_port)},
        .fingerprint = invite.fingerprint,
        .identity = seeds[0],
        .secret = invite.secret,
        .room = invite.room,
        .room_len = invite.room_len,
        .name = argv[2],
        .name_len = strlen(argv[2]),
        .tick_us = 1,
    };
    memcpy(config.server.ip, &server.sin_addr, 4);
    if (kabar_start(&client, &config, seeds[1], now_us()) != KABAR_OK) fail("the room or the name is not valid");

    char line[KABAR_MAX_BODY_LEN];
    size_t line_len = 0;
    bool is_open = true, is_full = false, is_leaving = false;
    uint8_t code = 0;
    while (!drain(udp, &code)) {
        /* A line for which the outbox had no room. */
        if (is_full && kabar_post(&client, KABAR_TEXT, (uint8_t *)line, line_len, NULL) != KABAR_E_FULL) {
            is_full = false;
            line_len = 0;
            continue;
        }
        if (!is_open && !is_full && !is_leaving) {
            is_leaving = true;
            kabar_leave(&client, now_us());
            continue;
        }
        uint64_t now = now_us(), deadline = kabar_next_deadline(&client, now);
        uint64_t wait_ms = deadline <= now ? 0 : deadline == KABAR_NO_DEADLINE ? 60000 : (deadline - now + 999) / 1000;
        struct pollfd fds[] = {{.fd = udp, .events = POLLIN}, {.fd = is_open && !is_full ? STDIN_FILENO : -1, .events = POLLIN}};
        poll(fds, 2, (int)(wait_ms < 60000 ? wait_ms : 60000));

        if (fds[0].revents) {
            uint8_t datagram[KABAR_DATAGRAM_LEN + 1];
            ssize_t len = recv(udp, datagram, sizeof datagram, 0);
            if (len > 0) kabar_input(&client, now_us(), NULL, datagram, (size_t)len);
        }
        if (fds[1].revents) {
            char byte;
            ssize_t len = read(STDIN_FILENO, &byte, 1);
            bool is_end = len <= 0;
            if (!is_end && byte != '\n' && line_len < sizeof line) line[line_len++] = byte;
            if ((is_end || byte == '\n') && line_len > 0) {
                int posted = kabar_post(&client, KABAR_TEXT, (uint8_t *)line, line_len, NULL);
                is_full = posted == KABAR_E_FULL;
                if (posted != KABAR_OK && !is_full) fprintf(stderr, "chat: not sent (%d)\n", posted);
                if (!is_full) line_len = 0;
            }
            if (is_end) is_open = false;
        }
        if (kabar_next_deadline(&client, now_us()) <= now_us()) kabar_timeout(&client, now_us());
    }
    return code == KABAR_LEFT ? 0 : 1;
}
