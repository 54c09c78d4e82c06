export default function VersionsPane() {
	return null;
}
