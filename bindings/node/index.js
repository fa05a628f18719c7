'use strict';
// The vendor's API for the web as far as conversations go, over the addon. No logic of deletion:
// names, ids and numbers of errors.
const { EventEmitter } = require('node:events');
const { mkdir } = require('node:fs/promises');
const path = require('node:path');
const native = loadAddon();

function loadAddon() {
  const places = [
    process.env.ADIEU_NODE_ADDON,
    `./prebuilds/${process.platform}-${process.arch}/adieu.node`,
    './build/Release/adieu.node',
  ].filter(Boolean);
  for (const place of places) {
    try {
      return require(place);
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new Error(`the addon is not built; looked for ${places.join(', ')}`);
}

const EVENT = Object.freeze({
  SDK_READY: 'sdkStateReady',
  SDK_NOT_READY: 'sdkStateNotReady',
  ERROR: 'error',
  NET_STATE_CHANGE: 'netStateChange',
  CONVERSATION_LIST_UPDATED: 'onConversationListUpdated',
  CONVERSATION_DELETED: 'onConversationDeleted',
  TOTAL_UNREAD_MESSAGE_COUNT_UPDATED: 'onTotalUnreadMessageCountUpdated',
});

// Of adieu.h.
const KIND = { NEW: 1, CHANGED: 2, DELETED: 3, SIGN_IN_NEEDED: 5, SYNC: 6, UNREAD: 7 };
const SYNC = { STARTED: 1, FINISHED: 2 };

/** The one place where what the library says becomes a number of the vendor's web SDK. */
const NUMBERS = new Map([
  [-1, 2024], [-3, 2024], [6014, 2024], // not logged in (any more)
  [-2, 2503], [6017, 2503], // invalid id
  [-8, 2500], // no such conversation
  [-7, 2801], [6012, 2801], [9510, 2801], [9518, 2801], // timed out, or sent without an answer
  [9508, 2800], [9511, 2800], // network
]);
const webCode = (code) => NUMBERS.get(code) ?? code;
const limited = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true;

/**
 * What promises are rejected with. The loop makes it: a stack would cost ten times the rest, and
 * nobody who made the call would be on it.
 */
function webError(adieuCode, message) {
  const limit = Error.stackTraceLimit;
  if (limited) Error.stackTraceLimit = 0;
  const error = new Error(message);
  if (limited) Error.stackTraceLimit = limit;
  error.code = webCode(adieuCode);
  error.adieuCode = adieuCode;
  return error;
}
const refused = (code, message) => Promise.reject(Object.assign(new Error(message), { code }));
const isNetwork = ({ code }) => code === 2800 || code === 2801 || (code >= 9500 && code < 9600);

/** c2c_ and group_ at the beginning become C2C and GROUP. */
const webID = (id) => id.replace(/^c2c_/, 'C2C').replace(/^group_/, 'GROUP');

function webConversation(it) {
  const isGroup = it.conversationID.startsWith('group_');
  const other = it.conversationID.replace(/^(c2c_|group_)/, '');
  return {
    conversationID: webID(it.conversationID),
    type: isGroup ? 'GROUP' : it.conversationID.startsWith('c2c_') ? 'C2C' : '@TIM#SYSTEM',
    ...(isGroup ? { groupProfile: { groupID: other, name: it.title } } : { userProfile: { userID: other } }),
    unreadCount: it.unreadCount,
    isPinned: it.isPinned,
    draftText: it.draft,
    markList: bits(it.marks),
    lastMessage: it.lastMessage
      ? {
          fromAccount: it.lastMessage.from,
          lastTime: it.lastMessage.time,
          lastSequence: it.lastMessage.sequence,
          messageForShow: it.lastMessage.text,
        }
      : null,
  };
}

function bits(marks) {
  const list = [];
  for (let bit = 1n; bit <= marks; bit <<= 1n) if (marks & bit) list.push(bit);
  return list;
}

/** A user's folder: no two users meet on a file system that ignores case. */
const folderOf = (userID) =>
  userID.replace(/[^a-z0-9_-]/g, (it) => '%' + it.charCodeAt(0).toString(16).padStart(2, '0'));

class TIM extends EventEmitter {
  #options;
  #client = null;
  #userID = '';
  #loggingIn = false;
  #listScheduled = false;

  constructor(options) {
    super();
    const { SDKAppID, serverURL = process.env.ADIEU_SERVER_URL, storePath = '.', caCertificates } = options ?? {};
    if (!Number.isSafeInteger(SDKAppID) || SDKAppID < 1) throw new TypeError('SDKAppID: a positive integer');
    if (!serverURL) throw new TypeError('serverURL: https://HOST[:PORT] of adieu-server');
    if (caCertificates !== undefined && typeof caCertificates !== 'string')
      throw new TypeError('caCertificates: a string in PEM form');
    this.#options = { sdkAppID: SDKAppID, serverURL, storePath, caCertificates, liveSync: true };
  }

  /** Opens the user's store and pulls. Succeeds without a network, with what the device has. */
  async login({ userID, userSig } = {}) {
    if (typeof userID !== 'string' || userID === '') return refused(2503, 'userID: a string');
    if (typeof userSig !== 'string' || userSig === '') return refused(70002, 'userSig: a string');
    if (this.#loggingIn) return refused(2905, 'a login is under way');
    if (this.#client && this.#userID !== userID) return refused(2905, 'another user is logged in');
    this.#loggingIn = true;
    let client = this.#client;
    try {
      if (client) {
        await native.signIn(client, userSig);
      } else {
        const storePath = path.join(this.#options.storePath, folderOf(userID));
        await mkdir(storePath, { recursive: true });
        const options = { ...this.#options, storePath, userID, userSig };
        client = await native.open(options, (event) => this.#hear(event), webError);
      }
      await native.pull(client).catch((error) => {
        if (!isNetwork(error)) throw error;
      });
      this.#client = client;
      this.#userID = userID;
    } catch (error) {
      this.#client = null;
      this.#userID = '';
      if (client) await native.close(client).catch(() => {});
      throw error;
    } finally {
      this.#loggingIn = false;
    }
    this.emit(EVENT.SDK_READY, { name: EVENT.SDK_READY });
    return { data: { actionStatus: 'OK' } };
  }

  /** Calls under way are rejected first. Resolved when the store is free. */
  async logout() {
    const client = this.#client;
    if (!client) return refused(2024, 'nobody is logged in');
    this.#client = null;
    this.#userID = '';
    await native.close(client);
    this.emit(EVENT.SDK_NOT_READY, { name: EVENT.SDK_NOT_READY });
    return { data: {} };
  }

  async destroy() {
    if (this.#client) await this.logout();
    this.removeAllListeners();
  }

  getLoginUser() {
    return this.#userID;
  }

  isReady() {
    return this.#client !== null;
  }

  /**
   * Deletes a conversation for good: from the server, then from this device. With
   * { conversationIDList, clearHistoryMessage }: up to 100; false keeps their messages.
   */
  deleteConversation(which) {
    const isOne = which === null || typeof which !== 'object';
    return isOne ? this.#done('deleteConversation', which) : this.#deleteList(which);
  }

  async #deleteList(which) {
    const { conversationIDList: list, clearHistoryMessage = true } = which;
    if (!Array.isArray(list)) return refused(2503, 'conversationIDList: an array of conversation ids');
    const results = await this.#call('deleteConversations', list, !clearHistoryMessage);
    const failed = results.filter(({ code }) => code !== 0);
    if (failed.length === results.length) throw webError(failed[0].code, failed[0].message);
    const deleted = results.filter(({ code }) => code === 0).map(({ conversationID }) => conversationID);
    return { data: { conversationIDList: deleted, failureList: failed.map((it) => ({ ...it, code: webCode(it.code), adieuCode: it.code })) } };
  }

  /** Deletes the history for good; the conversation stays in the list. */
  clearHistoryMessage(conversationID) {
    return this.#done('clearHistory', conversationID);
  }

  /** All conversations, or those of a list of ids that there are. */
  async getConversationList(which) {
    const list = (await this.#call('listConversations')).map(webConversation);
    const wanted = Array.isArray(which) ? list.filter((it) => which.includes(it.conversationID)) : list;
    return { data: { conversationList: wanted, isSyncCompleted: true } };
  }

  async getConversationProfile(conversationID) {
    const { data } = await this.getConversationList([conversationID]);
    if (data.conversationList.length === 0) return refused(2500, 'the list shows no such conversation');
    return { data: { conversation: data.conversationList[0] } };
  }

  pinConversation(how) {
    return this.#done('pinConversation', how?.conversationID, Boolean(how?.isPinned));
  }

  setConversationDraft(what) {
    return this.#done('setDraft', what?.conversationID, what?.draftText);
  }

  setMessageRead(which) {
    return this.#done('markRead', which?.conversationID);
  }

  /** A call that is answered with its conversation. */
  #done(name, conversationID, parameter) {
    return this.#call(name, conversationID, parameter).then(() => ({ data: { conversationID } }));
  }

  #call(name, ...parameters) {
    return this.#client ? native[name](this.#client, ...parameters) : refused(2024, 'nobody is logged in');
  }

  #hear(event) {
    switch (event.kind) {
      case KIND.DELETED:
        this.emit(EVENT.CONVERSATION_DELETED, { name: EVENT.CONVERSATION_DELETED, data: [webID(event.conversationID)] });
        return this.#listChanged();
      case KIND.NEW:
      case KIND.CHANGED:
        return this.#listChanged();
      case KIND.UNREAD:
        this.emit(EVENT.TOTAL_UNREAD_MESSAGE_COUNT_UPDATED, {
          name: EVENT.TOTAL_UNREAD_MESSAGE_COUNT_UPDATED,
          data: event.totalUnread,
        });
        return;
      case KIND.SIGN_IN_NEEDED: {
        const error = webError(event.code, event.message);
        if (this.listenerCount(EVENT.ERROR) > 0) this.emit(EVENT.ERROR, { name: EVENT.ERROR, data: error });
        return;
      }
      case KIND.SYNC: {
        const state = { [SYNC.STARTED]: 'connecting', [SYNC.FINISHED]: 'connected' }[event.syncState] ?? 'disconnected';
        this.emit(EVENT.NET_STATE_CHANGE, { name: EVENT.NET_STATE_CHANGE, data: { state } });
        return;
      }
      default: // pending deletions: the vendor has no word for them
    }
  }

  /** The vendor's event has the whole list: many changes at one moment ask for it once. */
  #listChanged() {
    if (this.#listScheduled || this.listenerCount(EVENT.CONVERSATION_LIST_UPDATED) === 0) return;
    this.#listScheduled = true;
    setImmediate(async () => {
      this.#listScheduled = false;
      const list = await this.getConversationList().catch(() => null); // logged out meanwhile
      if (list) this.emit(EVENT.CONVERSATION_LIST_UPDATED, { name: EVENT.CONVERSATION_LIST_UPDATED, data: list.data.conversationList });
    });
  }

  static create(options) {
    return new TIM(options);
  }
}

TIM.EVENT = EVENT;
TIM.VERSION = native.version();
TIM.TYPES = Object.freeze({ CONV_C2C: 'C2C', CONV_GROUP: 'GROUP', CONV_SYSTEM: '@TIM#SYSTEM' });

module.exports = TIM;
