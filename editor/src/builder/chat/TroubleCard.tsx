import { Bug, Wrench, X } from "lucide-react";
import { useMemo, useState } from "react";
import { t } from "../../strings";
import { Button, IconButton } from "../../ui";
import { useBuilder, useSelected, useStore } from "../context";
import css from "./chat.module.css";
import { findTrouble } from "./trouble";

/** One quiet card about what broke since, with the way to have it mended. */
export function TroubleCard() {
  const { conversation, app, pageLog } = useBuilder();
  // While a turn runs nothing is told, and nothing looked for.
  const isQuiet = useSelected(
    conversation,
    (s) => s.running === null && !s.loading,
  );
  const last = useSelected(conversation, (s) =>
    s.running ? null : (s.turns.at(-1) ?? null),
  );
  const feed = useStore(app);
  const messages = useStore(pageLog);
  const [aside, setAside] = useState<string | null>(null);
  const trouble = useMemo(
    () => findTrouble(last, feed, messages),
    [last, feed, messages],
  );
  if (!trouble || trouble.key === aside || !isQuiet) {
    return null;
  }
  return (
    <div className={css.trouble} role="status">
      <Bug aria-hidden="true" />
      <div>
        <strong>{trouble.title}</strong>
        <p>{trouble.text}</p>
      </div>
      <Button
        size="small"
        onClick={() => {
          setAside(trouble.key);
          conversation.ask({
            prompt: trouble.prompt,
            mode: "fix",
          });
        }}
      >
        <Wrench aria-hidden="true" />
        {t.chat.fix}
      </Button>
      <IconButton
        size="small"
        label={t.chat.dismiss}
        icon={<X />}
        onClick={() => setAside(trouble.key)}
      />
    </div>
  );
}
