#include <stdio.h>

#include "deletes.h"

int main(int argc, char **argv) {
  int code;

  if (argc != 2)
    return fprintf(stderr, "usage: %s STORE\n", argv[0]), 2;
  code = deletes(argv[1]);
  printf("%s\n", code == 0 ? "deleted for good" : "failed");
  return code != 0;
}
