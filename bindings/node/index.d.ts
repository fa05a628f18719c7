import { EventEmitter } from 'node:events';

declare namespace TIM {
  interface Options {
    SDKAppID: number;
    /** https://HOST[:PORT] of adieu-server; default: ADIEU_SERVER_URL in the environment. */
    serverURL?: string;
    /** Folder of the stores, one for each user; default: the current one. */
    storePath?: string;
    /**
     * Certificates of the authorities that the server's has to come from, in PEM form; default: the
     * authorities of Mozilla's list. A text that is none fails the login.
     */
    caCertificates?: string;
  }
  interface Response<T> {
    data: T;
  }
  /** What promises are rejected with. */
  interface TIMError extends Error {
    /** A number of the vendor's web SDK where one exists, else the library's or the server's. */
    code: number;
    /** What the library said. */
    adieuCode?: number;
  }
  interface LastMessage {
    fromAccount: string;
    /** Unix seconds. */
    lastTime: number;
    lastSequence: number;
    messageForShow: string;
  }
  interface Conversation {
    conversationID: string;
    type: 'C2C' | 'GROUP' | '@TIM#SYSTEM';
    userProfile?: { userID: string };
    groupProfile?: { groupID: string; name: string };
    unreadCount: number;
    isPinned: boolean;
    draftText: string;
    markList: bigint[];
    lastMessage: LastMessage | null;
  }
  interface ListForm {
    /** 1 to 100. */
    conversationIDList: string[];
    /** Default: true. */
    clearHistoryMessage?: boolean;
  }
  interface Failure {
    conversationID: string;
    code: number;
    adieuCode: number;
    message: string;
  }
  interface Event<T> {
    name: string;
    data: T;
  }
}

declare class TIM extends EventEmitter {
  static create(options: TIM.Options): TIM;
  static readonly VERSION: string;
  static readonly EVENT: {
    readonly SDK_READY: 'sdkStateReady';
    readonly SDK_NOT_READY: 'sdkStateNotReady';
    readonly ERROR: 'error';
    readonly NET_STATE_CHANGE: 'netStateChange';
    readonly CONVERSATION_LIST_UPDATED: 'onConversationListUpdated';
    readonly CONVERSATION_DELETED: 'onConversationDeleted';
    readonly TOTAL_UNREAD_MESSAGE_COUNT_UPDATED: 'onTotalUnreadMessageCountUpdated';
  };
  static readonly TYPES: {
    readonly CONV_C2C: 'C2C';
    readonly CONV_GROUP: 'GROUP';
    readonly CONV_SYSTEM: '@TIM#SYSTEM';
  };

  constructor(options: TIM.Options);
  login(who: { userID: string; userSig: string }): Promise<TIM.Response<{ actionStatus: string }>>;
  logout(): Promise<TIM.Response<{}>>;
  destroy(): Promise<void>;
  /** '' when nobody is logged in. */
  getLoginUser(): string;
  isReady(): boolean;

  deleteConversation(conversationID: string): Promise<TIM.Response<{ conversationID: string }>>;
  deleteConversation(
    list: TIM.ListForm,
  ): Promise<TIM.Response<{ conversationIDList: string[]; failureList: TIM.Failure[] }>>;
  clearHistoryMessage(conversationID: string): Promise<TIM.Response<{ conversationID: string }>>;
  getConversationList(
    conversationIDs?: string[],
  ): Promise<TIM.Response<{ conversationList: TIM.Conversation[]; isSyncCompleted: boolean }>>;
  getConversationProfile(conversationID: string): Promise<TIM.Response<{ conversation: TIM.Conversation }>>;
  pinConversation(how: { conversationID: string; isPinned: boolean }): Promise<TIM.Response<{ conversationID: string }>>;
  setConversationDraft(what: {
    conversationID: string;
    draftText: string;
  }): Promise<TIM.Response<{ conversationID: string }>>;
  setMessageRead(which: { conversationID: string }): Promise<TIM.Response<{ conversationID: string }>>;

  on(event: 'onConversationListUpdated', listener: (event: TIM.Event<TIM.Conversation[]>) => void): this;
  on(event: 'onConversationDeleted', listener: (event: TIM.Event<string[]>) => void): this;
  on(event: 'onTotalUnreadMessageCountUpdated', listener: (event: TIM.Event<number>) => void): this;
  on(
    event: 'netStateChange',
    listener: (event: TIM.Event<{ state: 'connecting' | 'connected' | 'disconnected' }>) => void,
  ): this;
  on(event: 'error', listener: (event: TIM.Event<TIM.TIMError>) => void): this;
  on(event: string, listener: (...parameters: any[]) => void): this;
}

export = TIM;
