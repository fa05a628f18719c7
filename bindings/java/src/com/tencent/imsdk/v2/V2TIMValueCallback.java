package com.tencent.imsdk.v2;

/** As {@link V2TIMCallback}, with a value. */
public interface V2TIMValueCallback<T> {
  void onSuccess(T t);

  void onError(int code, String desc);
}
