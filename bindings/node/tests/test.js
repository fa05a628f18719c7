'use strict';
// The package against a real server, which has for ADIEU_USER: C2Cbob, C2Ccarol, C2CExample,
// GROUPteam.
const assert = require('node:assert/strict');
const { once } = require('node:events');
const { spawnSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const TIM = require('..');

const { ADIEU_USER: userID, ADIEU_USER_SIG: userSig, ADIEU_STORE: storePath } = process.env;
const options = { SDKAppID: Number(process.env.ADIEU_APP_ID), storePath };
const ids = async (tim) =>
  (await tim.getConversationList()).data.conversationList.map((it) => it.conversationID).sort();
const code = (code) => (error) => {
  assert.ok(error instanceof Error && error.message.length > 0);
  assert.equal(error.code, code);
  return true;
};

/** How long what blocks does so, in milliseconds. */
const blocked = Number(process.env.ADIEU_TEST_BLOCK_SECONDS ?? 0.5) * 1000;

async function login() {
  assert.throws(() => TIM.create({}), TypeError);
  assert.throws(() => TIM.create({ ...options, caCertificates: Buffer.from('PEM') }), TypeError);
  const tim = TIM.create(options);
  await assert.rejects(tim.deleteConversation('C2Cbob'), code(2024));
  await assert.rejects(tim.logout(), code(2024));
  await assert.rejects(tim.login(), code(2503));
  await assert.rejects(tim.login({ userID, userSig: '' }), code(70002));
  await assert.rejects(tim.login({ userID, userSig: 'nonsense' }), code(70003));
  assert.equal(tim.isReady(), false);
  const ready = once(tim, TIM.EVENT.SDK_READY);
  await tim.login({ userID, userSig });
  await ready;
  await tim.login({ userID, userSig }); // a newer UserSig
  await assert.rejects(tim.login({ userID: 'eve', userSig }), code(2905));
  assert.equal(tim.getLoginUser(), userID);
  return tim;
}

async function theList(tim) {
  assert.deepEqual(await ids(tim), ['C2CExample', 'C2Cbob', 'C2Ccarol', 'GROUPteam']);
  const { conversation } = (await tim.getConversationProfile('C2Cbob')).data;
  assert.equal(conversation.userProfile.userID, 'bob');
  assert.equal(conversation.lastMessage.messageForShow, 'message 3 of c2c_bob');
  await assert.rejects(tim.getConversationProfile('C2Cnobody'), code(2500));
  const changed = once(tim, TIM.EVENT.CONVERSATION_LIST_UPDATED);
  await tim.pinConversation({ conversationID: 'GROUPteam', isPinned: true });
  await tim.setConversationDraft({ conversationID: 'GROUPteam', draftText: 'Grüße 👋' });
  await tim.setMessageRead({ conversationID: 'GROUPteam' });
  assert.ok((await changed)[0].data.length === 4);
  const team = (await tim.getConversationProfile('GROUPteam')).data.conversation;
  assert.ok(team.isPinned && team.draftText === 'Grüße 👋' && team.unreadCount === 0);
}

async function badIds(tim) {
  const bad = ['', 'conversationID', 'C2C', 'C2C👋', 'C2C' + 'x'.repeat(33), 'C2C\ud800', 'C2Cbob\0x', null, undefined, 7];
  for (const id of bad) await assert.rejects(tim.deleteConversation(id), code(2503), String(id));
  await assert.rejects(tim.deleteConversation({}), code(2503));
  await assert.rejects(tim.deleteConversation({ conversationIDList: [] }), code(2503));
  await assert.rejects(tim.deleteConversation({ conversationIDList: Array(101).fill('C2Cx') }), code(2503));
  assert.equal((await ids(tim)).length, 4);
}

async function deletions(tim) {
  const deleted = [];
  tim.on(TIM.EVENT.CONVERSATION_DELETED, ({ data }) => deleted.push(...data));
  assert.deepEqual(await tim.deleteConversation('C2Cbob'), { data: { conversationID: 'C2Cbob' } });
  assert.deepEqual(deleted, ['C2Cbob']);
  assert.deepEqual(await tim.deleteConversation('C2Cbob'), { data: { conversationID: 'C2Cbob' } });
  const { data } = await tim.deleteConversation({ conversationIDList: ['C2Ccarol', 'carol', 7] });
  assert.deepEqual(data.conversationIDList, ['C2Ccarol']);
  assert.deepEqual(data.failureList.map((it) => it.code), [2503, 2503]);
  await tim.clearHistoryMessage('GROUPteam');
  assert.equal((await tim.getConversationProfile('GROUPteam')).data.conversation.lastMessage, null);
  assert.deepEqual(await ids(tim), ['C2CExample', 'GROUPteam']);
}

async function handlersThatMisbehave(tim) {
  // What a listener throws is the process's to handle, and nothing of ours stops.
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve));
  tim.once(TIM.EVENT.CONVERSATION_DELETED, () => {
    throw new Error('thrown by a listener');
  });
  await tim.deleteConversation('C2CExample');
  assert.equal((await thrown).message, 'thrown by a listener');
  // One that blocks holds up the loop, which is the app's, and no outcome is lost.
  const behind = tim.deleteConversation('C2Cnobody').then(() => {
    const until = Date.now() + blocked;
    while (Date.now() < until);
  });
  await Promise.all([behind, tim.deleteConversation('C2Cnobody2')]);
}

async function manyAtOnce(tim) {
  let turns = 0;
  const turning = setInterval(() => turns++, 1);
  const calls = Array.from({ length: 10000 }, (_, i) =>
    i % 10 ? tim.pinConversation({ conversationID: 'no id', isPinned: true }) : tim.deleteConversation(`C2Cu${i}`),
  );
  globalThis.gc(); // between call and callback
  const settled = await Promise.allSettled(calls);
  clearInterval(turning);
  assert.equal(settled.filter((it) => it.status === 'rejected').length, 9000);
  assert.ok(turns > 1, 'the loop turned meanwhile');
  const rounds = async (count) => {
    for (let round = 0; round < count; round++)
      await Promise.allSettled(Array.from({ length: 10000 }, () => tim.pinConversation({ conversationID: 'no id', isPinned: true })));
    globalThis.gc();
    return process.memoryUsage().rss;
  };
  const before = await rounds(10);
  const grown = (await rounds(40)) - before;
  assert.ok(grown < 6e6, `400,000 calls left ${grown} bytes behind`);
}

async function ends(tim) {
  const calls = Array.from({ length: 1000 }, (_, i) => tim.deleteConversation(`C2Cv${i}`));
  const ended = tim.logout();
  const settled = await Promise.allSettled(calls);
  assert.equal(settled.length, 1000);
  await ended;
  await assert.rejects(tim.deleteConversation('C2Cbob'), code(2024));
  await tim.login({ userID, userSig }); // the store is free again
  // Logged out in a handler of its own call.
  await tim.deleteConversation('C2Cnobody').then(() => tim.logout());
}

/** A server whose authority nobody else knows is spoken to by who was told of it. */
async function authorities() {
  const { ADIEU_TLS_URL: serverURL, ADIEU_CA_CERTIFICATES: file } = process.env;
  const secured = (name, caCertificates) =>
    TIM.create({ ...options, serverURL, caCertificates, storePath: path.join(storePath, name) });
  await assert.rejects(secured('none', 'no certificate').login({ userID, userSig }), code(2503));
  const stranger = secured('stranger');
  await stranger.login({ userID, userSig }); // as without a network: what the device has
  assert.deepEqual(await ids(stranger), []);
  await stranger.logout();
  const trusting = secured('trusting', readFileSync(file, 'utf8'));
  await trusting.login({ userID, userSig });
  assert.equal((await ids(trusting)).length, 4);
  await trusting.logout();
}

/** In another process, whose end is looked at. */
function exits(mode) {
  const child = spawnSync(process.execPath, [__filename, mode], { encoding: 'utf8', timeout: 60000 });
  assert.equal(child.status, mode === 'exit' ? 3 : 0, `${mode}: ${child.signal} ${child.stderr}`);
  assert.equal(child.stderr, '');
}

async function child(mode) {
  const tim = TIM.create({ ...options, storePath: path.join(storePath, mode) });
  await tim.login({ userID, userSig });
  const calls = Array.from({ length: 1000 }, (_, i) => tim.deleteConversation(`C2Cw${i}`).catch(() => {}));
  if (mode === 'exit') return process.exit(3);
  await Promise.all(calls);
  await tim.logout(); // and the loop has nothing left to do
}

async function inWorker() {
  const worker = new Worker(__filename, { argv: ['worker'] });
  const [status] = await once(worker, 'exit');
  assert.equal(status, 0);
  const ended = new Worker(__filename, { argv: ['worker-ended'] });
  await once(ended, 'online');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await ended.terminate();
}

async function main() {
  await authorities();
  const tim = await login();
  await theList(tim);
  await badIds(tim);
  await deletions(tim);
  await handlersThatMisbehave(tim);
  await manyAtOnce(tim);
  await ends(tim);
  exits('exit');
  exits('leave');
  await inWorker();
  console.log('all passed');
}

const mode = process.argv[2];
(mode ? child(mode) : main()).catch((error) => {
  console.error(error);
  process.exit(1);
});
