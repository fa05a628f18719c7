'use strict';
// The vendor's page for the web: its sample, and the line that shows the call.
//
//   sample.js SAMPLE_FILE CALL_FILE
const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const TIM = require('..');

const { ADIEU_USER: userID, ADIEU_USER_SIG: userSig, ADIEU_STORE: storePath } = process.env;
const [sample, call] = process.argv.slice(2).map((file) => readFileSync(file, 'utf8'));

async function main() {
  const tim = TIM.create({ SDKAppID: Number(process.env.ADIEU_APP_ID), storePath });
  await tim.login({ userID, userSig });
  const deleted = [];
  tim.on(TIM.EVENT.CONVERSATION_DELETED, ({ data }) => deleted.push(...data));
  const warned = [];
  const console = { warn: (...words) => warned.push(words) };
  const promise = new Function('tim', 'console', `${sample}\nreturn promise;`)(tim, console);
  assert.deepEqual(await promise, { data: { conversationID: 'C2CExample' } });
  await new Function('tim', 'conversationID', `return ${call.trim()}`)(tim, 'GROUPteam');
  assert.deepEqual(warned, []);
  assert.deepEqual(deleted, ['C2CExample', 'GROUPteam']);
  await tim.logout();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
