import {
  File,
  FileAudio,
  FileBraces,
  FileCode,
  FileImage,
  FileText,
  FileType,
  FileVideoCamera,
  Folder,
  FolderOpen,
  Palette,
  type LucideIcon,
} from "lucide-react";
import { createElement } from "react";
import { kindByName, type FileKind } from "../files/kind";
import { languageOf } from "../language";

const BY_KIND: Partial<Record<FileKind, LucideIcon>> = {
  image: FileImage,
  audio: FileAudio,
  video: FileVideoCamera,
  font: FileType,
};

const BY_LANGUAGE: Record<string, LucideIcon> = {
  plaintext: FileText,
  markdown: FileText,
  json: FileBraces,
  css: Palette,
  scss: Palette,
  less: Palette,
};

function iconOf(path: string): LucideIcon {
  const kind = kindByName(path);
  if (kind !== "text") {
    return BY_KIND[kind] ?? File;
  }
  return BY_LANGUAGE[languageOf(path)] ?? FileCode;
}

export function FileIcon({ path }: { path: string }) {
  return createElement(iconOf(path), { "aria-hidden": "true" });
}

export function FolderIcon({ isOpen }: { isOpen: boolean }) {
  return isOpen ? (
    <FolderOpen aria-hidden="true" />
  ) : (
    <Folder aria-hidden="true" />
  );
}
