/* A device to which the system gives no more: the nth allocation fails, the nth thread is not
 * started, or only n more files can be opened. For each n, one process lives a small story on a new
 * store, and another one then looks whether what the first was told is so:
 *
 *   scarce memory|threads|files FIRST LAST STEP FOLDER
 *
 * A process may end itself where memory fails (Rust does); nothing else ends one but its own end, no
 * call answers twice or never, and the store opens again, whole. Prints what came of it; ends with 0
 * when all of it held. */
#define _GNU_SOURCE
#include <adieu.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES 3
/* A process that hangs is ended after so many seconds. */
#define PATIENCE_S 30

/* ---- the system that refuses ---- */

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static atomic_long until_memory = -1; /* below 0: nothing is refused */
static atomic_long until_thread = -1;

static int refused(atomic_long *until) {
  return atomic_load(until) > 0 && atomic_fetch_sub(until, 1) == 1;
}

void *malloc(size_t size) { return refused(&until_memory) ? (errno = ENOMEM, NULL) : __libc_malloc(size); }

void *calloc(size_t count, size_t size) {
  return refused(&until_memory) ? (errno = ENOMEM, NULL) : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  return refused(&until_memory) ? (errno = ENOMEM, NULL) : __libc_realloc(old, size);
}

int posix_memalign(void **to, size_t alignment, size_t size) {
  if (refused(&until_memory) || (*to = __libc_memalign(alignment, size)) == NULL)
    return ENOMEM;
  return 0;
}

/* The system's own. */
static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument) {
  return refused(&until_thread) ? EAGAIN : create(thread, attributes, run, argument);
}

/* ---- the story ---- */

/* What the process has been told, a letter each, in the order of the story:
 *   O opened   o not opened
 *   B saved for bob   C saved for carol   b, c: that failed
 *   A the deletion of carol was accepted   D it has succeeded   E it has failed   P it is pending
 *   X closed   N nothing was refused: n is beyond all of it */
static int marks = -1;

static void mark(char what) {
  if (write(marks, &what, 1) != 1)
    _exit(3);
}

static int answers;
static int32_t answer;

static void on_success(void *user_data) {
  (void)user_data;
  answers++;
  answer = ADIEU_OK;
}

static void on_error(void *user_data, int32_t code, const char *desc) {
  (void)user_data;
  answers++;
  answer = desc == NULL || *desc == '\0' ? ADIEU_ERR_PANIC : code;
}

static int32_t outcome(adieu_client *client, int32_t accepted) {
  if (accepted != ADIEU_OK)
    return accepted;
  while (answers == 0)
    if (adieu_client_poll(client) == 0)
      nanosleep(&(struct timespec){0, 200000}, NULL);
  if (answers != 1 || answer == ADIEU_ERR_PANIC)
    _exit(4);
  answers = 0;
  return answer;
}

static int32_t save(adieu_client *client, const char *id) {
  adieu_new_message messages[MESSAGES];
  unsigned i;

  for (i = 0; i < MESSAGES; i++) {
    adieu_new_message message = ADIEU_NEW_MESSAGE_INIT;

    message.position = i + 1;
    message.time = 1700000000;
    message.sender = "bob";
    message.body = "see you at the lake";
    messages[i] = message;
  }
  return outcome(client,
                 adieu_save_messages(client, id, messages, MESSAGES, on_success, on_error, NULL));
}

/* With a server, where nobody listens, a client has more threads. */
static int32_t open_client(const char *folder, const char *url, adieu_client **client) {
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  static char why[256];
  int32_t code;

  options.delivery = ADIEU_DELIVER_BY_POLL;
  options.store_path = folder;
  options.user_id = "alice";
  options.server_url = url;
  options.sdk_app_id = 1400000000;
  options.user_sig = "eJwtest";
  options.live_sync = url != NULL;
  code = adieu_client_open(&options, client, why, sizeof why);
  if (code != ADIEU_OK && (*why == '\0' || code == ADIEU_ERR_PANIC))
    _exit(5);
  return code;
}

static int story(const char *kind, long n, const char *folder) {
  adieu_client *client;
  int32_t code;

  alarm(PATIENCE_S);
  if (strcmp(kind, "memory") == 0)
    atomic_store(&until_memory, n);
  else if (strcmp(kind, "threads") == 0)
    atomic_store(&until_thread, n);
  else {
    struct rlimit limit;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

    close(next);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t)(next + n);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (open_client(folder, strcmp(kind, "threads") == 0 ? "http://127.0.0.1:1" : NULL, &client) !=
      ADIEU_OK) {
    mark('o');
    /* What failed has let go of everything: the same process can try again. */
    if (strcmp(kind, "files") != 0 &&
        (open_client(folder, NULL, &client) != ADIEU_OK || adieu_client_close(client) != ADIEU_OK))
      return 13;
    return 0;
  }
  mark('O');
  mark(save(client, "c2c_bob") == ADIEU_OK ? 'B' : 'b');
  mark(save(client, "c2c_carol") == ADIEU_OK ? 'C' : 'c');
  code = adieu_delete_conversation(client, "c2c_carol", on_success, on_error, NULL);
  if (code == ADIEU_OK) {
    mark('A');
    code = outcome(client, code);
    mark(code == ADIEU_OK                                               ? 'D'
         : code == ADIEU_PENDING || code == ADIEU_ERR_OUTCOME_UNKNOWN ? 'P'
                                                                        : 'E');
  }
  /* It needs a thread; without one, a later close can try again. */
  code = adieu_client_close_async(client, NULL, NULL);
  if (code != ADIEU_OK && adieu_client_close(client) != ADIEU_OK)
    return 6;
  while (code == ADIEU_OK && adieu_client_poll(client) != ADIEU_ERR_INVALID_HANDLE)
    nanosleep(&(struct timespec){0, 200000}, NULL);
  mark('X');
  if (atomic_load(&until_memory) > 0 || atomic_load(&until_thread) > 0)
    mark('N');
  return 0;
}

/* ---- the look ---- */

static size_t counted;

static void on_messages(void *user_data, const adieu_message *const *messages, size_t count) {
  size_t i;

  for (i = 0; i < count; i++)
    if (strcmp(messages[i]->body, "see you at the lake") != 0)
      _exit(7);
  counted = count;
  on_success(user_data);
}

static void on_pending(void *user_data, const adieu_pending_deletion *const *pending, size_t count) {
  (void)pending;
  counted = count;
  on_success(user_data);
}

static size_t messages_of(adieu_client *client, const char *id) {
  if (outcome(client, adieu_get_history(client, id, 0, 100, on_messages, on_error, NULL)) !=
      ADIEU_OK)
    _exit(8);
  return counted;
}

static int check(const char *folder, const char *told) {
  adieu_client *client;
  size_t bob, carol;
  int whole;

  alarm(PATIENCE_S);
  if (open_client(folder, NULL, &client) != ADIEU_OK)
    return 9;
  /* What was accepted is finished by this open. */
  do
    if (outcome(client, adieu_list_pending(client, on_pending, on_error, NULL)) != ADIEU_OK)
      return 10;
  while (counted > 0);
  bob = messages_of(client, "c2c_bob");
  carol = messages_of(client, "c2c_carol");
  /* All or none: a process that was ended may have been about to say so. */
  whole = (bob == 0 || bob == MESSAGES) && (carol == 0 || carol == MESSAGES);
  if (strchr(told, 'B') != NULL)
    whole = whole && bob == MESSAGES;
  if (strchr(told, 'b') != NULL)
    whole = whole && bob == 0;
  if (strchr(told, 'D') != NULL || (strchr(told, 'A') != NULL && strchr(told, 'E') == NULL))
    whole = whole && carol == 0;
  else if (strchr(told, 'C') != NULL && (strchr(told, 'E') != NULL || strchr(told, 'X') != NULL))
    whole = whole && carol == MESSAGES;
  if (!whole)
    fprintf(stderr, "told %s, found %zu of bob and %zu of carol\n", told, bob, carol);
  return adieu_client_close(client) == ADIEU_OK && whole ? 0 : 11;
}

/* ---- one n after the other ---- */

/* Runs this program with other words; how it ended. */
static int run(char *const words[], const char *quiet) {
  pid_t child = fork();
  int status;

  if (child == 0) {
    if (quiet != NULL) {
      int log = open(quiet, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

      dup2(log, 2);
    }
    execv("/proc/self/exe", words);
    _exit(12);
  }
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  return status;
}

static void empty(const char *folder) {
  char command[1100];

  snprintf(command, sizeof command, "rm -rf '%s' && mkdir '%s'", folder, folder);
  if (system(command) != 0)
    exit(2);
}

static int drive(const char *kind, long first, long last, long step, const char *place) {
  long finished = 0, not_opened = 0, calls_failed = 0, ended = 0, broken = 0, n;
  char folder[512], log[600], told[64], number[32], marks_file[600];

  snprintf(folder, sizeof folder, "%s/store", place);
  snprintf(log, sizeof log, "%s/log", place);
  snprintf(marks_file, sizeof marks_file, "%s/marks", place);
  for (n = first; n <= last; n += step) {
    char *const living[] = {"scarce", "story", (char *)kind, number, folder, marks_file, NULL};
    char *const looking[] = {"scarce", "check", folder, told, NULL};
    int status, looked, file;
    ssize_t length;

    empty(folder);
    unlink(marks_file);
    snprintf(number, sizeof number, "%ld", n);
    status = run(living, log);
    file = open(marks_file, O_RDONLY | O_CLOEXEC);
    length = file < 0 ? 0 : read(file, told, sizeof told - 1);
    told[length < 0 ? 0 : length] = '\0';
    close(file);
    looked = run(looking, NULL);
    if (strchr(told, 'o') != NULL)
      not_opened++;
    else if (strpbrk(told, strcmp(kind, "threads") == 0 ? "bcD" : "bcE") != NULL)
      calls_failed++;
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT)
      ended++;
    else
      finished++;
    if (looked != 0 || !((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                         (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
                          strcmp(kind, "memory") == 0))) {
      broken++;
      fprintf(stderr, "%s %ld: told %s; the story ended with status %x, the look with %x\n", kind,
              n, told, (unsigned)status, (unsigned)looked);
    }
    if (strchr(told, 'N') != NULL)
      break;
  }
  printf("%s: %ld not opened, %ld with calls that failed, %ld ended by the system's refusal, %ld "
         "untouched; broken: %ld (last n %ld)\n",
         kind, not_opened, calls_failed, ended, finished, broken, n);
  return broken == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
  if (argc == 6 && strcmp(argv[1], "story") == 0) {
    marks = open(argv[5], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return story(argv[2], strtol(argv[3], NULL, 10), argv[4]);
  }
  if (argc == 4 && strcmp(argv[1], "check") == 0)
    return check(argv[2], argv[3]);
  if (argc == 6)
    return drive(argv[1], strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10),
                 strtol(argv[4], NULL, 10), argv[5]);
  return fputs("scarce memory|threads|files FIRST LAST STEP FOLDER\n", stderr), 2;
}
