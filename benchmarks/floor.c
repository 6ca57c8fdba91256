/* The floor: the least that a program of any language does for a probe. One epoll loop, no parsing, no DNS, no record.
 *
 *   floor PORT CONCURRENCY PER_SESSION TARGETS
 *
 * TARGETS has one IPv4 address a line, one for each probe. A session waits for the banner, says EHLO, then MAIL, RCPT
 * and RSET in one write, QUIT in the place of the last RSET; it carries up to PER_SESSION probes, of neighbouring lines
 * with the same address. Of what comes back only the replies' ends are seen. Exit 0: every probe was answered in full;
 * 1: one was not, or nobody said anything for SILENCE_MS; killed by SIGALRM: LIMIT_S were over.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LIMIT_S = 1800, SILENCE_MS = 30000, EVENTS = 256, BUFFER_OCTETS = 65536, LINE_OCTETS = 64 };

#define EHLO "EHLO probe.bench\r\n"
#define QUESTION "MAIL FROM:<postmaster@probe.bench>\r\nRCPT TO:<postmaster@d0.bench>\r\n"
#define NEXT QUESTION "RSET\r\n"
#define LAST QUESTION "QUIT\r\n"

enum stage { BANNER, HELLO, ASKED };

/* One connection; over, its place is free for the next. */
struct session {
    int fd;
    enum stage stage;
    int owed;      /* replies before we speak again */
    size_t left;   /* probes without an answer, the one under way included */
    size_t column; /* octets of the reply line that is coming in */
    char fourth;   /* of that line: '-' where more lines follow */
};

/* The work: addresses in order, of which the first `begun` were given to sessions. */
struct work {
    struct in_addr *addresses;
    size_t count, begun, answered;
    size_t per_session;
    in_port_t port; /* network order */
    int poll;
};

static void die(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fputs("floor: ", stderr);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    exit(1);
}

static size_t number(const char *text, size_t most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < 1 || value > most)
        die("%s is no number from 1 to %zu", text, most);
    return value;
}

static void read_targets(struct work *work, const char *path)
{
    char line[LINE_OCTETS];
    size_t room = 0;
    FILE *file = fopen(path, "r");
    if (!file)
        die("%s: %s", path, strerror(errno));
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (work->count == room) {
            room = room ? 2 * room : 1024;
            work->addresses = realloc(work->addresses, room * sizeof *work->addresses);
            if (!work->addresses)
                die("out of memory");
        }
        if (inet_pton(AF_INET, line, &work->addresses[work->count++]) != 1)
            die("%s: %s is no IPv4 address", path, line);
    }
    fclose(file);
}

/* Dial for the next probes of one address; there are some left. */
static void begin(struct work *work, struct session *session)
{
    struct in_addr address = work->addresses[work->begun];
    struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = work->port, .sin_addr = address};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = session};

    *session = (struct session){.stage = BANNER, .owed = 1, .fourth = ' '};
    while (session->left < work->per_session && work->begun < work->count &&
           work->addresses[work->begun].s_addr == address.s_addr) {
        session->left++;
        work->begun++;
    }
    session->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (session->fd < 0)
        die("socket: %s", strerror(errno));
    if (connect(session->fd, (struct sockaddr *)&target, sizeof target) && errno != EINPROGRESS)
        die("connect: %s", strerror(errno));
    if (epoll_ctl(work->poll, EPOLL_CTL_ADD, session->fd, &event))
        die("epoll_ctl: %s", strerror(errno));
}

/* How many replies end in these octets: lines whose fourth character is no '-' (RFC 5321 4.2.1). */
static int replies_in(struct session *session, const char *data, size_t length)
{
    int whole = 0;
    while (length) {
        const char *end = memchr(data, '\n', length);
        size_t part = end ? (size_t)(end - data) : length;
        if (session->column <= 3 && session->column + part > 3)
            session->fourth = data[3 - session->column];
        session->column += part;
        if (!end)
            break;
        whole += session->fourth != '-';
        session->column = 0;
        session->fourth = ' ';
        data += part + 1;
        length -= part + 1;
    }
    return whole;
}

static void say(struct session *session, const char *words, size_t length, int replies)
{
    if (send(session->fd, words, length, MSG_NOSIGNAL) != (ssize_t)length) /* a new socket's buffer holds it all */
        die("send: %s", strerror(errno));
    session->owed = replies;
}

/* All that was owed has come: say the next thing. False: there is none. */
static bool goes_on(struct work *work, struct session *session)
{
    if (session->stage == BANNER) {
        say(session, EHLO, sizeof EHLO - 1, 1);
        session->stage = HELLO;
        return true;
    }
    if (session->stage == ASKED) {
        work->answered++;
        if (!--session->left)
            return false;
    }
    session->stage = ASKED;
    if (session->left > 1)
        say(session, NEXT, sizeof NEXT - 1, 3);
    else
        say(session, LAST, sizeof LAST - 1, 3);
    return true;
}

/* Something can be read. True: the session is over and its place free. */
static bool receive(struct work *work, struct session *session)
{
    static char buffer[BUFFER_OCTETS];
    ssize_t length = recv(session->fd, buffer, sizeof buffer, 0);
    if (length <= 0)
        die("a session broke: %s", length ? strerror(errno) : "closed by the server");
    session->owed -= replies_in(session, buffer, (size_t)length);
    if (session->owed < 0)
        die("more replies than were asked for");
    if (session->owed > 0 || goes_on(work, session))
        return false;
    close(session->fd);
    return true;
}

static void work_off(struct work *work, size_t concurrency)
{
    struct epoll_event events[EVENTS];
    struct session *sessions = calloc(concurrency, sizeof *sessions);
    size_t open = 0;
    if (!sessions)
        die("out of memory");
    while (open < concurrency && work->begun < work->count)
        begin(work, &sessions[open++]);
    while (open) {
        int ready = epoll_wait(work->poll, events, EVENTS, SILENCE_MS);
        if (ready < 0 && errno != EINTR)
            die("epoll_wait: %s", strerror(errno));
        if (ready == 0)
            die("%zu of %zu probes answered, then silence for %d ms", work->answered, work->count, SILENCE_MS);
        for (int number = 0; number < ready; number++) {
            struct session *session = events[number].data.ptr;
            if (!receive(work, session))
                continue;
            if (work->begun < work->count)
                begin(work, session);
            else
                open--;
        }
    }
    free(sessions);
}

int main(int argc, char **argv)
{
    struct work work = {0};
    if (argc != 5) {
        fputs("usage: floor PORT CONCURRENCY PER_SESSION TARGETS\n", stderr);
        return 2;
    }
    alarm(LIMIT_S);
    work.port = htons((uint16_t)number(argv[1], 65535));
    work.per_session = number(argv[3], 1000000);
    read_targets(&work, argv[4]);
    work.poll = epoll_create1(EPOLL_CLOEXEC);
    if (work.poll < 0)
        die("epoll_create1: %s", strerror(errno));
    work_off(&work, number(argv[2], 1000000));
    free(work.addresses);
    printf("{\"items\": %zu}\n", work.answered);
    return work.answered == work.count ? 0 : 1;
}
