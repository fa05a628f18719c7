/* With a server behind TLS whose certificate comes from an authority that nobody else knows:
 * ADIEU_SERVER_URL, ADIEU_APP_ID, ADIEU_USER_SIG, and ADIEU_AUTHORITY, the authority's file. */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static adieu_client *connected(const char *store, const char *authorities) {
  const char *app_id = getenv("ADIEU_APP_ID");
  adieu_client_options options = device(store);

  options.server_url = getenv("ADIEU_SERVER_URL");
  options.sdk_app_id = app_id != NULL ? strtoull(app_id, NULL, 10) : 0;
  options.user_sig = getenv("ADIEU_USER_SIG");
  options.ca_certificates = authorities;
  return open_as(&options);
}

static const char *authority(void) {
  static char pem[16384];
  const char *path = getenv("ADIEU_AUTHORITY");
  FILE *file = path != NULL ? fopen(path, "rb") : NULL;

  if (EXPECT(file != NULL)) {
    pem[fread(pem, 1, sizeof pem - 1, file)] = '\0';
    fclose(file);
  }
  return pem;
}

static int32_t pull(adieu_client *client) {
  struct outcome outcome = {0};

  return wait_for(client, &outcome, adieu_pull(client, on_success, on_error, &outcome));
}

/* DEL-2: with the authorities that are built in, this server is a stranger: it is told nothing, and
 * the answer is not in doubt. */
CHECK(a_stranger_is_told_nothing) {
  adieu_client *client = connected(folder("store"), NULL);

  EXPECT_CODE(pull(client), ADIEU_ERR_NETWORK_UNREACHABLE);
  EXPECT_CODE(delete_as(client, "c2c_bob", NULL), ADIEU_ERR_NETWORK_UNREACHABLE);
  EXPECT(pending(client, NULL) == 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

/* DEL-1, DEL-5: deleted from the server and from the device, and nothing else; a new device gets
 * nothing of it. */
CHECK(deleted_from_the_server) {
  adieu_client *client = connected(folder("store"), authority());
  size_t before, of_bob;

  EXPECT_CODE(pull(client), ADIEU_OK);
  before = conversations(client);
  of_bob = messages(client, "c2c_bob");
  EXPECT(before > 1 && of_bob > 0 && messages(client, "c2c_carol") > 0);
  EXPECT_CODE(delete_as(client, "c2c_bob", NULL), ADIEU_OK);
  EXPECT(conversations(client) == before - 1 && messages(client, "c2c_bob") == 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);

  client = connected(folder("new"), authority());
  EXPECT_CODE(pull(client), ADIEU_OK);
  EXPECT(conversations(client) == before - 1 && messages(client, "c2c_bob") == 0);
  EXPECT(messages(client, "c2c_carol") > 0);
  EXPECT_CODE(adieu_client_close(client), ADIEU_OK);
}

const struct check served[] = {ENTRY(a_stranger_is_told_nothing), ENTRY(deleted_from_the_server),
                               END};
