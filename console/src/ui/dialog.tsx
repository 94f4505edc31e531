import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { X } from "lucide";
import { Button, Problem } from "./parts";
import { useWork } from "../lib/use";

/** The browser's own modal dialog: it keeps the focus, closes on Escape and gives the focus back. */
export function Dialog({ title, onClose, children, footer, wide, onSubmit }: { title: string; onClose: () => void; children: ComponentChildren; footer?: ComponentChildren; wide?: boolean; onSubmit?: () => void }) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    box.current?.showModal();
    return () => box.current?.close();
  }, []);
  const inside = (
    <>
      <header>
        <h2 id={id}>{title}</h2>
        <Button look="quiet little" icon={X} label="Close" onClick={onClose} />
      </header>
      <div class="inside">{children}</div>
      {footer && <footer>{footer}</footer>}
    </>
  );
  return (
    <dialog
      ref={box}
      class={`dialog${wide ? " wide" : ""}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      {onSubmit ? (
        <form
          class="dialog-form"
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          {inside}
        </form>
      ) : (
        inside
      )}
    </dialog>
  );
}

/** Asks before something that cannot be undone. `work` closes it by returning. */
export function Confirm({ title, children, action, work, onClose, danger = true }: { title: string; children: ComponentChildren; action: string; work: () => Promise<void>; onClose: () => void; danger?: boolean }) {
  const doing = useWork(async () => {
    await work();
    onClose();
  });
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look={danger ? "danger" : "first"} busy={doing.busy} onClick={() => void doing.run()}>
            {action}
          </Button>
        </>
      }
    >
      <div class="dim">{children}</div>
      <Problem error={doing.error} />
    </Dialog>
  );
}
