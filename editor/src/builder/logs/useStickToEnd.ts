import { useCallback, useLayoutEffect, useRef, useState } from "react";

const NEAR_PX = 24;

/** Keeps a list at its end while new lines come, until somebody scrolls away from it. */
export function useStickToEnd(content: unknown) {
  const list = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  useLayoutEffect(() => {
    if (isFollowing && list.current) {
      list.current.scrollTop = list.current.scrollHeight;
    }
  }, [content, isFollowing]);
  const onScroll = useCallback(() => {
    const element = list.current;
    if (element && element.clientHeight > 0) {
      const left =
        element.scrollHeight - element.scrollTop - element.clientHeight;
      setFollowing(left < NEAR_PX);
    }
  }, []);
  return { list, isFollowing, setFollowing, onScroll };
}
