export default function TerminalPane() {
	return null;
}
