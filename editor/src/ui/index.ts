export { Button, buttonClass, IconButton, Spinner } from "./Button";
export { CopyButton } from "./CopyButton";
export { Confirm, Dialog } from "./Dialog";
export {
  Badge,
  Busy,
  Empty,
  ErrorNote,
  Note,
  Skeleton,
  type Tone,
} from "./feedback";
export { PasswordField, Select, TextArea, TextField } from "./Field";
export {
  Menu,
  MenuChoice,
  MenuItem,
  MenuLabel,
  MenuLink,
  MenuSeparator,
} from "./Menu";
export { toast, Toasts } from "./Toasts";
export { Tooltip, TooltipProvider } from "./Tooltip";
export { When } from "./When";
