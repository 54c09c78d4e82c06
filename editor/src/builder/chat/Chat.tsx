import { Sparkles } from "lucide-react";
import { useCallback, useRef, useState } from "react";
import { t } from "../../strings";
import { Empty } from "../../ui";
import { useProject } from "../../api/queries";
import { useBuilder } from "../context";
import { Announcer } from "./Announcer";
import css from "./chat.module.css";
import { Composer } from "./Composer";
import { EndKeeper } from "./endKeeper";
import { MessageList } from "./MessageList";
import { TroubleCard } from "./TroubleCard";
import { UnsentNote } from "./Unsent";

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
  const putBack = useCallback(
    (prompt: string) => {
      conversation.draft.set(prompt);
      box.current?.focus();
    },
    [conversation],
  );
  return (
    <div className={css.chat}>
      <MessageList
        empty={<Beginning onPick={putBack} />}
        onAgain={putBack}
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
