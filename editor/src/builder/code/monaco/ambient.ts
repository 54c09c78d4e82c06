// What bundlers and Node give to every file, as far as its absence would be marked as a mistake. The types of
// packages are not here: they are in the sandbox.

export const AMBIENT = `
interface ImportMeta { readonly env: Record<string, any>; readonly hot?: any; glob(pattern: string | string[], options?: object): Record<string, any>; readonly dirname: string; readonly filename: string }
declare module "*.css" { const value: Record<string, string>; export default value }
declare module "*.scss" { const value: Record<string, string>; export default value }
declare module "*.less" { const value: Record<string, string>; export default value }
declare module "*.svg" { const value: any; export default value; export const ReactComponent: any }
declare module "*.png" { const value: string; export default value }
declare module "*.jpg" { const value: string; export default value }
declare module "*.jpeg" { const value: string; export default value }
declare module "*.gif" { const value: string; export default value }
declare module "*.webp" { const value: string; export default value }
declare module "*.avif" { const value: string; export default value }
declare module "*.mp3" { const value: string; export default value }
declare module "*.mp4" { const value: string; export default value }
declare module "*.woff2" { const value: string; export default value }
declare module "*.vue" { const value: any; export default value }
declare module "*?raw" { const value: string; export default value }
declare module "*?url" { const value: string; export default value }
declare const process: any;
declare const global: any;
declare const Buffer: any;
declare const require: any;
declare const module: any;
declare const exports: any;
declare const __dirname: string;
declare const __filename: string;
declare namespace NodeJS { type Timeout = any; type ProcessEnv = any; type ErrnoException = any }
declare namespace JSX { type Element = any; interface IntrinsicElements { [name: string]: any } interface IntrinsicAttributes { key?: any; ref?: any } }
`;
