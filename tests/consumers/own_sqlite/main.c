/* An app with a SQLite of its own: each of the two keeps its own. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "../deletes.h"

static int rows(void *count, int columns, char **values, char **names) {
  (void)columns, (void)values, (void)names;
  ++*(int *)count;
  return 0;
}

int main(int argc, char **argv) {
  sqlite3 *database;
  int count = 0, turn;

  if (argc != 2)
    return 2;
  if (strcmp(sqlite3_libversion(), SQLITE_VERSION) != 0)
    return fprintf(stderr, "compiled with SQLite %s, got %s\n", SQLITE_VERSION,
                   sqlite3_libversion()), 1;
  if (sqlite3_open(":memory:", &database) != SQLITE_OK)
    return 1;
  sqlite3_exec(database, "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)", NULL, NULL, NULL);
  for (turn = 0; turn < 3; turn++) {
    if (deletes(argv[1]) != 0)
      return 1;
    count = 0;
    /* The app's SQLite has JSON; ours has not. */
    sqlite3_exec(database, "SELECT json_array(a) FROM t", rows, &count, NULL);
    if (count != 2)
      return fprintf(stderr, "the app's database has %d rows\n", count), 1;
  }
  sqlite3_close(database);
  puts("deleted for good");
  return 0;
}
