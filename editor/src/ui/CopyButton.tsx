import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import { t } from "../strings";
import { IconButton } from "./Button";
import { toast } from "./Toasts";

export function CopyButton({
  text,
  label = t.common.copy,
}: {
  /** A function is asked when it is copied: for what takes work to put together. */
  text: string | (() => string);
  label?: string;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) {
      return;
    }
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(
        typeof text === "function" ? text() : text,
      );
      setCopied(true);
    } catch {
      toast({ text: t.common.copyFailed, tone: "bad" });
    }
  };
  return (
    <IconButton
      size="small"
      label={copied ? t.common.copied : label}
      icon={copied ? <Check /> : <Copy />}
      onClick={() => void copy()}
    />
  );
}
