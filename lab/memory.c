/* What of a deleted conversation, of the credential and of the keys does a process still hold after
 * it has closed the store? Plays a small life on a store, and then reads its own memory: every
 * mapping that can be written to, byte by byte, for each secret as UTF-8 and as UTF-16, whole and in
 * fragments of 16 bytes.
 *
 *   memory FOLDER [URL]
 *
 * The program's own copies are not found: it keeps its secrets with every bit turned over, turns
 * them back only into a buffer that it wipes after each call, and leaves that buffer and its stack
 * clean. A text that it plants on purpose has to be found, else the look itself is broken. Prints a line for each secret, and ends with 0
 * when none was found but the planted one, 1 when some was, 2 when it could not look. */
#define _GNU_SOURCE
#include <adieu.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FRAGMENT 16
#define MESSAGES 40
#define MOST 512

/* A secret, with every bit turned over. */
struct secret {
  const char *what;
  unsigned char hidden[MOST];
  size_t length;
};

static struct secret secrets[16];
static size_t secrets_count;
static atomic_int outcome; /* 0: open; else the code plus 1000000 */

/* The only place where secrets stand as they are, and only during a call. */
static char plain[2 * MOST];

static void wipe(volatile void *at, size_t length) {
  volatile unsigned char *byte = at;

  while (length-- > 0)
    *byte++ = 0;
}

/* The words are spelled by arithmetic, so that none of them stands in the program's data. */
static struct secret *hide(const char *what, unsigned kind, size_t length) {
  static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz012345";
  struct secret *secret = &secrets[secrets_count++];
  uint32_t state = 0x9e3779b9u * (kind + 1) ^ (uint32_t)getpid();
  size_t i;

  secret->what = what;
  secret->length = length;
  for (i = 0; i < length; i++) {
    state = state * 1664525u + 1013904223u;
    secret->hidden[i] = (unsigned char)~LETTERS[state >> 27];
  }
  return secret;
}

/* Shows it in `plain`, after a prefix. */
static const char *show(const struct secret *secret, const char *prefix) {
  size_t at = strlen(prefix), i;

  memcpy(plain, prefix, at);
  for (i = 0; i < secret->length; i++)
    plain[at + i] = (char)~secret->hidden[i];
  plain[at + secret->length] = '\0';
  return plain;
}

static void end(void *user_data) {
  (void)user_data;
  atomic_store(&outcome, 1000000);
}

static void fail(void *user_data, int32_t code, const char *desc) {
  (void)user_data;
  (void)desc;
  atomic_store(&outcome, 1000000 + code);
}

static void listed(void *user_data, const adieu_conversation *const *list, size_t count) {
  (void)list;
  (void)count;
  end(user_data);
}

static void read_page(void *user_data, const adieu_message *const *messages, size_t count) {
  (void)messages;
  (void)count;
  end(user_data);
}

static void looked(void *user_data, const adieu_verification *verification) {
  (void)verification;
  end(user_data);
}

/* Waits for the outcome of a call that was accepted. */
static void settled(int32_t accepted, const char *what, int32_t expected) {
  int32_t code;

  wipe(plain, sizeof plain);
  if (accepted != ADIEU_OK) {
    fprintf(stderr, "%s was refused with %d\n", what, (int)accepted);
    exit(2);
  }
  while ((code = atomic_load(&outcome)) == 0)
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  atomic_store(&outcome, 0);
  if (code - 1000000 != expected) {
    fprintf(stderr, "%s ended with %d\n", what, (int)code - 1000000);
    exit(2);
  }
}

static void play(const char *folder, const char *url) {
  struct secret *conversation = hide("conversation id", 1, 20);
  struct secret *text = hide("message text", 2, 200);
  struct secret *draft = hide("draft", 3, 60);
  struct secret *sender = hide("sender", 4, 24);
  struct secret *user_sig = hide("UserSig", 5, 300);
  struct secret *master = hide("master key", 6, 32);
  adieu_client_options options = ADIEU_CLIENT_OPTIONS_INIT;
  adieu_delete_options delete_options = ADIEU_DELETE_OPTIONS_INIT;
  static char sender_plain[64], key[33];
  static const char *strings[1];
  adieu_client *client;
  char why[256];
  size_t i;

  options.store_path = folder;
  options.user_id = "alice";
  options.server_url = url;
  options.sdk_app_id = 1400000000;
  memcpy(key, show(master, ""), 32);
  options.master_key = (const uint8_t *)key;
  options.user_sig = show(user_sig, "");
  if (adieu_client_open(&options, &client, why, sizeof why) != ADIEU_OK) {
    fprintf(stderr, "%s\n", why);
    exit(2);
  }
  wipe(plain, sizeof plain);
  wipe(key, sizeof key);
  for (i = 1; i <= MESSAGES; i++) {
    static char id[64];
    adieu_new_message message = ADIEU_NEW_MESSAGE_INIT;
    int32_t accepted;

    memcpy(id, show(conversation, "c2c_"), 64);
    memcpy(sender_plain, show(sender, ""), 64);
    message.position = i;
    message.time = 1700000000 + i;
    message.sender = sender_plain;
    message.body = show(text, "");
    accepted = adieu_save_messages(client, id, &message, 1, end, fail, NULL);
    wipe(sender_plain, sizeof sender_plain);
    wipe(id, sizeof id);
    settled(accepted, "saving", ADIEU_OK);
  }
  {
    static char id[64];
    int32_t accepted;

    memcpy(id, show(conversation, "c2c_"), 64);
    accepted = adieu_set_draft(client, id, show(draft, ""), end, fail, NULL);
    wipe(id, sizeof id);
    settled(accepted, "the draft", ADIEU_OK);
  }
  settled(adieu_get_history(client, show(conversation, "c2c_"), 0, MESSAGES, read_page, fail, NULL),
          "the history", ADIEU_OK);
  settled(adieu_list_conversations(client, listed, fail, NULL), "the list", ADIEU_OK);
  delete_options.policy = ADIEU_POLICY_LOCAL_ONLY;
  settled(adieu_delete_conversation_with_options(client, show(conversation, "c2c_"),
                                                 &delete_options, end, fail, NULL),
          "deleting", url != NULL ? ADIEU_LOCAL_ONLY : ADIEU_OK);
  strings[0] = show(text, "");
  settled(adieu_verify_erased(client, "c2c_other", strings, 1, looked, fail, NULL), "the look",
          ADIEU_OK);
  adieu_client_close(client);
}

/* ---- the look ---- */

/* Whether the bytes at `at` are the secret's from `from` on, `length` of them, in letters of `width`
 * bytes. Compared with every bit turned over: the plain secret is never made here. */
static int stands(const unsigned char *at, const struct secret *secret, size_t from, size_t length,
                  size_t width) {
  size_t i;

  for (i = 0; i < length; i++)
    if ((at[width * i] ^ secret->hidden[from + i]) != 0xff ||
        (width == 2 && at[2 * i + 1] != 0))
      return 0;
  return 1;
}

struct finds {
  size_t whole, fragments, wide;
};

/* What was read of memory, turned over as it comes, so that the buffer itself is no find. */
#define STEP (1 << 20)
static unsigned char piece[STEP + 2 * MOST];

static void look_at(const unsigned char *at, size_t length, struct finds *finds) {
  size_t i, s, from;

  for (i = 0; i + FRAGMENT <= length && i < STEP; i++)
    for (s = 0; s < secrets_count; s++) {
      struct secret *secret = &secrets[s];

      if (i + secret->length <= length && stands(at + i, secret, 0, secret->length, 1))
        finds[s].whole++;
      for (from = 0; from + FRAGMENT <= secret->length; from += FRAGMENT) {
        if (stands(at + i, secret, from, FRAGMENT, 1))
          finds[s].fragments++;
        if (i + 2 * FRAGMENT <= length && stands(at + i, secret, from, FRAGMENT, 2))
          finds[s].wide++;
      }
    }
}

static uint64_t look(struct finds *finds) {
  FILE *maps = fopen("/proc/self/maps", "r");
  int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  char line[512];
  uint64_t bytes = 0;

  if (maps == NULL || memory < 0) {
    perror("/proc/self");
    exit(2);
  }
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long begin, past, at;
    char may[8];

    if (sscanf(line, "%lx-%lx %7s", &begin, &past, may) != 3 || may[1] != 'w')
      continue;
    for (at = begin; at < past; at += STEP) {
      size_t wanted = past - at < sizeof piece ? past - at : sizeof piece;
      ssize_t got = pread(memory, piece, wanted, (off_t)at);

      if (got <= 0)
        break;
      /* The buffer holds what was read before: itself, it is passed over. */
      if (at < (unsigned long)piece + sizeof piece && at + wanted > (unsigned long)piece) {
        unsigned long first = (unsigned long)piece, last = first + sizeof piece;

        memset(piece + (first > at ? first - at : 0), 0,
               (last < at + wanted ? last - at : wanted) - (first > at ? first - at : 0));
      }
      look_at(piece, (size_t)got, finds);
      wipe(piece, sizeof piece);
      bytes += (uint64_t)(got < STEP ? got : STEP);
    }
  }
  fclose(maps);
  close(memory);
  return bytes;
}

int main(int argc, char **argv) {
  struct finds finds[16] = {{0, 0, 0}};
  struct secret *planted;
  /* Volatile, so that they are really written. */
  char *volatile plant, *volatile wide;
  uint64_t bytes;
  size_t s, i;
  int left = 0;

  if (argc != 2 && argc != 3)
    return fputs("memory FOLDER [URL]\n", stderr), 2;
  play(argv[1], argc == 3 ? argv[2] : NULL);

  planted = hide("planted, to be found", 7, 64);
  plant = strdup(show(planted, ""));
  wide = calloc(2, planted->length);
  if (plant == NULL || wide == NULL)
    return 2;
  for (i = 0; i < planted->length; i++)
    wide[2 * i] = plant[i];
  wipe(plain, sizeof plain);
  bytes = look(finds);
  printf("%llu KiB of memory that can be written to\n", (unsigned long long)(bytes >> 10));
  for (s = 0; s < secrets_count; s++) {
    printf("%-22s whole %zu, fragments of 16 bytes %zu, as UTF-16 %zu\n", secrets[s].what,
           finds[s].whole, finds[s].fragments, finds[s].wide);
    if (s + 1 < secrets_count)
      left |= finds[s].whole + finds[s].fragments + finds[s].wide > 0;
  }
  if (finds[secrets_count - 1].whole == 0 || finds[secrets_count - 1].wide == 0)
    return fputs("what was planted was not found\n", stderr), 2;
  free(plant);
  free(wide);
  return left;
}
