import { ArrowDown } from "lucide-react";
import { useEffect, useLayoutEffect, useRef, type ReactNode } from "react";
import { t } from "../../strings";
import { Busy, Button, ErrorNote } from "../../ui";
import { useBuilder, useStore, type Turn } from "../context";
import css from "./chat.module.css";
import type { EndKeeper } from "./endKeeper";
import { TurnView } from "./TurnView";

export function MessageList(props: {
  empty: ReactNode;
  onAgain: (turn: Turn) => void;
  keeper: EndKeeper;
}) {
  const { conversation } = useBuilder();
  const { turns, loading, loadError, hasOlder } = useStore(conversation);
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const { keeper } = props;
  const isAtEnd = useStore(keeper.atEnd);
  useEffect(() => keeper.attach(scroller.current!, content.current!), [keeper]);
  useLayoutEffect(
    () => keeper.rendered(turns.map((turn) => turn.key)),
    [keeper, turns],
  );
  const isFirstLoad = loading && turns.length === 0;

  return (
    <div className={css.listFrame}>
      <div
        ref={scroller}
        role="log"
        aria-label={t.chat.log}
        aria-live="off"
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: the keyboard must get there
        tabIndex={0}
        className={css.scroller}
      >
        <div ref={content} className={css.list}>
          {hasOlder && (
            <Button
              size="small"
              tone="ghost"
              busy={loading}
              onClick={() => conversation.loadOlder()}
            >
              {t.chat.older}
            </Button>
          )}
          {loadError != null && (
            <ErrorNote
              error={loadError}
              onRetry={() => conversation.reload()}
            />
          )}
          {isFirstLoad && <Busy />}
          {turns.map((turn, at) => (
            <TurnView
              key={turn.key}
              turn={turn}
              isLast={at === turns.length - 1}
              onAgain={props.onAgain}
            />
          ))}
          {turns.length === 0 && !loading && !loadError && props.empty}
        </div>
      </div>
      {!isAtEnd && (
        <Button size="small" className={css.latest} onClick={keeper.toEnd}>
          <ArrowDown aria-hidden="true" />
          {t.chat.latest}
        </Button>
      )}
    </div>
  );
}
