import { errorText } from "../../api/errorText";
import { isProblem } from "../../api/http";
import { t } from "../../strings";
import { Button, Note } from "../../ui";
import { useBuilder, useSelected } from "../context";
import { useNow } from "./useNow";

/** Says what the server did not take, and when it is sent again. */
export function UnsentNote() {
  const { conversation } = useBuilder();
  const unsent = useSelected(conversation, (s) => s.unsent);
  const now = useNow(unsent?.retryAt != null);
  if (!unsent) {
    return null;
  }
  const { ask, error, retryAt } = unsent;
  const drop = () => conversation.dropUnsent();
  if (retryAt !== null) {
    const seconds = Math.max(0, Math.ceil((retryAt - now) / 1000));
    return (
      <Note
        tone="warn"
        actions={
          <Button size="small" onClick={drop}>
            {t.chat.dontSend}
          </Button>
        }
      >
        {t.chat.sendingAgain(seconds)}
      </Note>
    );
  }
  const isBusy = isProblem(error, 409);
  return (
    <Note
      tone={isBusy ? "warn" : "bad"}
      actions={
        !isBusy && (
          <Button size="small" onClick={() => conversation.ask(ask)}>
            {t.chat.sendNow}
          </Button>
        )
      }
    >
      {isBusy ? t.chat.unsentBusy : t.chat.unsent}
      {!isBusy && <p>{errorText(error)}</p>}
    </Note>
  );
}
