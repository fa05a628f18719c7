/* What a guest in somebody's process must do and leave alone. Loads the library as a plug-in host
 * would.
 *
 *   lifecycle unload|exit|manners LIBRARY STORE
 */
#define _GNU_SOURCE
#include <adieu.h>
#include <dirent.h>
#include <dlfcn.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOAD(name) __typeof__(name) *name##_ = (__typeof__(name) *)dlsym(library, #name)
#define SIGNALS 64
#define CALLS 2000

static int ended;

static void on_success(void *user_data) { (void)user_data, ended++; }

static void on_error(void *user_data, int32_t code, const char *desc) {
  (void)user_data, (void)desc, ended += code < 0 ? 1000000 : 1;
}

static int fail(const char *what) { return fprintf(stderr, "%s\n", what), 1; }

static int entries(const char *folder) {
  DIR *open = opendir(folder);
  int count = 0;

  while (open != NULL && readdir(open) != NULL)
    count++;
  if (open != NULL)
    closedir(open);
  return count;
}

/* Whether a file of that name is mapped. */
static int mapped(const char *name) {
  char line[1024];
  FILE *maps = fopen("/proc/self/maps", "r");
  int found = 0;

  while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
    found |= strstr(line, name) != NULL;
  if (maps != NULL)
    fclose(maps);
  return found;
}

/* What belongs to the host. */
struct belongings {
  struct sigaction handlers[SIGNALS + 1];
  sigset_t blocked;
  mode_t mask;
  char folder[512], locale[256];
  char **environment;
  int threads, files;
};

static void take_stock(struct belongings *it) {
  int number;

  memset(it, 0, sizeof *it);
  for (number = 1; number <= SIGNALS; number++)
    sigaction(number, NULL, &it->handlers[number]);
  sigprocmask(SIG_SETMASK, NULL, &it->blocked);
  umask(it->mask = umask(0));
  if (getcwd(it->folder, sizeof it->folder) == NULL)
    it->folder[0] = 0;
  snprintf(it->locale, sizeof it->locale, "%s", setlocale(LC_ALL, NULL));
  it->environment = environ;
  it->threads = entries("/proc/self/task");
  it->files = entries("/proc/self/fd");
}

static int differs(const struct belongings *a, const struct belongings *b) {
  int number;

  for (number = 1; number <= SIGNALS; number++)
    if (a->handlers[number].sa_handler != b->handlers[number].sa_handler)
      return fprintf(stderr, "signal %d has another handler\n", number), 1;
  if (memcmp(&a->blocked, &b->blocked, sizeof a->blocked) != 0)
    return fail("other signals are blocked");
  if (a->mask != b->mask || strcmp(a->folder, b->folder) != 0 || strcmp(a->locale, b->locale) != 0)
    return fail("the umask, the folder or the locale is another");
  if (a->environment != b->environment)
    return fail("the environment is another");
  if (a->threads != b->threads)
    return fprintf(stderr, "%d threads before, %d after\n", a->threads, b->threads), 1;
  if (a->files != b->files)
    return fprintf(stderr, "%d open files before, %d after\n", a->files, b->files), 1;
  return 0;
}

int main(int argc, char **argv) {
  const char *mode = argc == 4 ? argv[1] : "";
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  struct belongings before, after;
  adieu_client *client = NULL;
  struct timespec pause = {0, 1000000};
  void *library;
  int turn;

  if (argc != 4)
    return fail("usage: lifecycle unload|exit|manners LIBRARY STORE");
  take_stock(&before);
  library = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL)
    return fail(dlerror());
  LOAD(adieu_client_open);
  LOAD(adieu_client_close);
  LOAD(adieu_client_poll);
  LOAD(adieu_delete_conversation);
  options.store_path = argv[3];
  options.user_id = "alice";
  /* Nobody listens there: a line to a server is tried, too. */
  options.server_url = strcmp(mode, "manners") == 0 ? "https://127.0.0.1:9" : NULL;
  options.sdk_app_id = 1400000000;
  options.user_sig = "none";
  options.delivery = ADIEU_DELIVER_BY_POLL;
  if (strcmp(mode, "exit") == 0)
    options.delivery = ADIEU_DELIVER_ON_LIBRARY_THREAD;
  if (adieu_client_open_(&options, &client, NULL, 0) != ADIEU_OK)
    return fail("it does not open");
  for (turn = 0; turn < (strcmp(mode, "exit") == 0 ? CALLS : 1); turn++) {
    char id[32];

    snprintf(id, sizeof id, "c2c_user%d", turn);
    if (adieu_delete_conversation_(client, id, on_success, on_error, NULL) != ADIEU_OK)
      return fail("it does not accept");
  }
  if (strcmp(mode, "exit") == 0)
    exit(0); /* with all of that queued, and the client open */
  if (strcmp(mode, "unload") == 0) {
    dlclose(library);
    if (!mapped("libadieu.so"))
      return fail("unloaded, with a client open and its threads at work");
  }
  while (ended == 0)
    adieu_client_poll_(client), nanosleep(&pause, NULL);
  if (adieu_client_close_(client) != ADIEU_OK)
    return fail("it does not close");
  take_stock(&after);
  if (differs(&before, &after))
    return 1;
  puts("as it should be");
  return 0;
}
