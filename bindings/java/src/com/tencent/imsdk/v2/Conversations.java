package com.tencent.imsdk.v2;

import adieu.jni.Native;
import java.util.ArrayList;
import java.util.List;

/** The calls, over a {@link Session}. */
final class Conversations extends V2TIMConversationManager {
  static final Conversations INSTANCE = new Conversations();

  static final V2TIMMessageManager MESSAGES =
      new V2TIMMessageManager() {
        @Override
        public void clearC2CHistoryMessage(String userID, V2TIMCallback callback) {
          clear("c2c_" + userID, callback);
        }

        @Override
        public void clearGroupHistoryMessage(String groupID, V2TIMCallback callback) {
          clear("group_" + groupID, callback);
        }
      };

  /** A call of the library that somebody waits for. */
  private interface Call {
    int on(long client, Native.Waiting waiting);
  }

  private static final Session SESSION = Session.INSTANCE;

  private Conversations() {}

  @Override
  public void addConversationListener(V2TIMConversationListener listener) {
    List<V2TIMConversationListener> all = SESSION.listeners.conversations;
    if (listener != null && !all.contains(listener)) all.add(listener);
  }

  @Override
  public void removeConversationListener(V2TIMConversationListener listener) {
    SESSION.listeners.conversations.remove(listener);
  }

  @Override
  public void deleteConversation(String conversationID, V2TIMCallback callback) {
    call(callback, (client, waiting) -> Native.delete(client, Native.bytes(conversationID), waiting));
  }

  @Override
  public void deleteConversationList(
      List<String> ids, boolean clear, V2TIMValueCallback<List<V2TIMConversationOperationResult>> callback) {
    byte[][] texts = new byte[ids != null ? ids.size() : 0][];
    for (int i = 0; i < texts.length; i++) texts[i] = Native.bytes(ids.get(i));
    Outcome.On<Native.Result[]> on =
        results -> {
          List<V2TIMConversationOperationResult> made = new ArrayList<>();
          for (Native.Result it : results)
            made.add(new V2TIMConversationOperationResult(it.id, Outcome.number(it.code), it.desc));
          callback.onSuccess(made);
        };
    call(callback, on, (client, waiting) -> Native.deleteAll(client, texts, !clear, waiting));
  }

  private static void clear(String id, V2TIMCallback callback) {
    call(callback, (client, waiting) -> Native.clearHistory(client, Native.bytes(id), waiting));
  }

  @Override
  public void getConversationList(
      long nextSeq, int count, V2TIMValueCallback<V2TIMConversationResult> callback) {
    getConversationListByFilter(new V2TIMConversationListFilter(), nextSeq, count, callback);
  }

  @Override
  public void getConversationListByFilter(
      V2TIMConversationListFilter filter, long next, int count, V2TIMValueCallback<V2TIMConversationResult> callback) {
    V2TIMConversationListFilter wanted = filter != null ? filter : new V2TIMConversationListFilter();
    if (wanted.namesFolder()) {
      Outcome.fail(callback, 7013, "folders of conversations are not supported");
    } else if (next < 0 || count < 1) {
      Outcome.fail(callback, 6017, "allowed: nextSeq 0 and more, count 1 and more");
    } else {
      list(callback, all -> callback.onSuccess(page(all, wanted, next, count)));
    }
  }

  private static V2TIMConversationResult page(
      List<V2TIMConversation> all, V2TIMConversationListFilter filter, long next, int count) {
    List<V2TIMConversation> page = new ArrayList<>();
    long seen = 0;
    for (V2TIMConversation it : all) {
      if (!filter.passes(it) || seen++ < next) continue;
      if (page.size() == count) return new V2TIMConversationResult(page, next + count, false);
      page.add(it);
    }
    return new V2TIMConversationResult(page, 0, true);
  }

  @Override
  public void getConversation(String id, V2TIMValueCallback<V2TIMConversation> callback) {
    list(
        callback,
        all -> {
          for (V2TIMConversation it : all) {
            if (it.getConversationID().equals(id)) {
              callback.onSuccess(it);
              return;
            }
          }
          callback.onError(6017, "the list shows no such conversation");
        });
  }

  @Override
  public void getConversationList(List<String> ids, V2TIMValueCallback<List<V2TIMConversation>> callback) {
    List<String> wanted = ids != null ? new ArrayList<>(ids) : new ArrayList<>();
    list(
        callback,
        all -> {
          List<V2TIMConversation> some = new ArrayList<>();
          for (String id : wanted)
            for (V2TIMConversation it : all) if (it.getConversationID().equals(id)) some.add(it);
          callback.onSuccess(some);
        });
  }

  @Override
  public void setConversationDraft(String id, String draft, V2TIMCallback callback) {
    call(callback, (client, waiting) -> Native.setDraft(client, Native.bytes(id), Native.bytes(draft), waiting));
  }

  @Override
  public void pinConversation(String id, boolean pinned, V2TIMCallback callback) {
    call(callback, (client, waiting) -> Native.pin(client, Native.bytes(id), pinned, waiting));
  }

  @Override
  public void getTotalUnreadMessageCount(V2TIMValueCallback<Long> callback) {
    list(
        callback,
        all -> {
          long total = 0;
          for (V2TIMConversation it : all) total += it.getUnreadCount();
          callback.onSuccess(total);
        });
  }

  @Override
  public void cleanConversationUnreadMessageCount(
      String id, long timestamp, long sequence, V2TIMCallback callback) {
    if (timestamp != 0 || id == null || id.isEmpty() || id.equals("c2c") || id.equals("group"))
      Outcome.fail(callback, 7013, "only one conversation, by its sequence, can be read");
    else call(callback, (client, waiting) -> Native.markRead(client, Native.bytes(id), sequence, waiting));
  }

  @Override
  public void deleteConversationGroup(String groupName, V2TIMCallback callback) {
    Outcome.fail(
        callback,
        7013,
        "folders of conversations are not supported; to delete a conversation, call deleteConversation");
  }

  private static void call(V2TIMCallback callback, Call call) {
    Native.Waiting waiting = Outcome.to(callback, SESSION.executor());
    int refused = SESSION.call(client -> call.on(client, waiting));
    if (refused != 0) Outcome.fail(callback, refused, why(refused));
  }

  private static <T> void call(V2TIMValueCallback<?> callback, Outcome.On<T> on, Call call) {
    Native.Waiting waiting = Outcome.to(callback, SESSION.executor(), on);
    int refused = SESSION.call(client -> call.on(client, waiting));
    if (refused != 0) Outcome.fail(callback, refused, why(refused));
  }

  private static void list(V2TIMValueCallback<?> callback, Outcome.On<List<V2TIMConversation>> on) {
    Outcome.On<Native.Conversation[]> made =
        all -> {
          List<V2TIMConversation> list = new ArrayList<>();
          for (Native.Conversation it : all) list.add(new V2TIMConversation(it));
          on.value(list);
        };
    call(callback, made, Native::list);
  }

  private static String why(int refused) {
    switch (refused) {
      case 6013:
        return "not initialised";
      case 6014:
        return "nobody is logged in";
      default:
        return Native.text(Native.strerror(refused));
    }
  }
}
