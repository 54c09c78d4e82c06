import { Sparkles } from "lucide-react";
import { useCallback, useRef, useState } from "react";
import { t } from "../../strings";
import { Empty } from "../../ui";
import { useProject } from "../../api/queries";
import { isOwnText, putExample } from "../../app/putExample";
import { useBuilder, type Turn } from "../context";
import { Announcer } from "./Announcer";
import css from "./chat.module.css";
import { Composer } from "./Composer";
import { EndKeeper } from "./endKeeper";
import { MessageList } from "./MessageList";
import { TroubleCard } from "./TroubleCard";
import { UnsentNote } from "./Unsent";

const SUGGESTIONS = [...t.chat.suggestions, ...t.chat.suggestionsReady];

function Beginning({ onPick }: { onPick: (prompt: string) => void }) {
  const { projectId } = useBuilder();
  const hasFiles = (useProject(projectId).data?.version ?? 0) > 0;
  const suggestions = hasFiles ? t.chat.suggestionsReady : t.chat.suggestions;
  return (
    <Empty
      icon={<Sparkles aria-hidden="true" />}
      title={hasFiles ? t.chat.readyTitle : t.chat.emptyTitle}
      action={
        <div className={css.suggestions}>
          {suggestions.map((text) => (
            <button key={text} type="button" onClick={() => onPick(text)}>
              {text}
            </button>
          ))}
        </div>
      }
    >
      {hasFiles ? t.chat.readyText : t.chat.emptyText}
    </Empty>
  );
}

/** The conversation with the model, and the box to go on with it. */
export function Chat() {
  const { conversation } = useBuilder();
  const box = useRef<HTMLTextAreaElement>(null);
  const [keeper] = useState(() => new EndKeeper());
  const pick = (prompt: string) => {
    const before = conversation.draft.getSnapshot();
    putExample({
      example: prompt,
      before,
      isOwn: isOwnText(before, SUGGESTIONS),
      set: (text) => conversation.draft.set(text),
    });
    box.current?.focus();
  };
  // A prompt may be changed before it is sent again; a question and a mending are only repeated.
  const again = useCallback(
    ({ prompt, mode }: Turn) => {
      if (mode === "build") {
        conversation.draft.putBack(prompt);
        box.current?.focus();
      } else {
        conversation.ask({ prompt, mode });
      }
    },
    [conversation],
  );
  return (
    <div className={css.chat}>
      <MessageList
        empty={<Beginning onPick={pick} />}
        onAgain={again}
        keeper={keeper}
      />
      <div className={css.foot}>
        <TroubleCard />
        <UnsentNote />
        <Composer box={box} onSent={keeper.toEnd} />
      </div>
      <Announcer />
    </div>
  );
}
