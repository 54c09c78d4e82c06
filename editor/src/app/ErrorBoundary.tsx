import { Component, type ReactNode } from "react";
import { t } from "../strings";
import { Button, Empty } from "../ui";

/** Keeps one broken view from taking the page with it. */
export class ErrorBoundary extends Component<
  { children: ReactNode },
  { failed: boolean }
> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) {
      return this.props.children;
    }
    return (
      <Empty
        title={t.errors.crashedTitle}
        action={
          <Button tone="primary" onClick={() => location.reload()}>
            {t.errors.reload}
          </Button>
        }
      >
        {t.errors.crashedText}
      </Empty>
    );
  }
}
