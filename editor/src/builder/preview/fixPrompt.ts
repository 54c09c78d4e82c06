import { t } from "../../strings";
import type { PageMessage } from "../context";

const TEXT_MAX = 6000;

/** What the model is asked about an error of the page. */
export function fixPrompt(
  message: Pick<PageMessage, "text" | "detail" | "at">,
): string {
  const place = message.at
    ? `${message.at.url}:${message.at.line}:${message.at.column}`
    : "";
  const said = [message.text, place, message.detail]
    .filter(Boolean)
    .join("\n")
    .slice(0, TEXT_MAX);
  return t.preview.fixPage(said);
}
