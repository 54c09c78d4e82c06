export { Button, buttonClass, IconButton, Spinner } from "./Button";
export { CopyButton } from "./CopyButton";
export { Confirm, Dialog } from "./Dialog";
export { Badge, Busy, Empty, ErrorNote, Note, type Tone } from "./feedback";
export { Select, TextArea, TextField } from "./Field";
export { Menu, MenuChoice, MenuItem, MenuSeparator } from "./Menu";
export { toast, Toasts } from "./Toasts";
export { Tooltip, TooltipProvider } from "./Tooltip";
