/* An app with two Rust libraries. Both panic and catch it, and neither hears of the other's. */
#include <stdio.h>
#include <string.h>

#include <adieu.h>

#include "../deletes.h"

int second_panics(void);

int main(int argc, char **argv) {
  /* With "panic", a named point of a test build makes each deletion panic. */
  int expected = argc == 3 && strcmp(argv[2], "panic") == 0 ? ADIEU_ERR_PANIC : ADIEU_OK;
  int turn;

  if (argc < 2)
    return 2;
  for (turn = 1; turn <= 3; turn++) {
    int seen = second_panics(), code = deletes(argv[1]);
    if (seen != turn)
      return fprintf(stderr, "the second library's hook saw %d panics, not %d\n", seen, turn), 1;
    if (code != expected)
      return fprintf(stderr, "deleting ended with %d, not %d\n", code, expected), 1;
  }
  puts("both work");
  return 0;
}
