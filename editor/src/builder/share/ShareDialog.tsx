import type { Project } from "../../api/types";

export default function ShareDialog(_: {
	project: Project;
	open: boolean;
	onClose: () => void;
}) {
	return null;
}
