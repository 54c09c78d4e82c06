export default function LogsPane() {
	return null;
}
