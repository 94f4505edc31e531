/** What the signed-in user may do: only to show or leave out; the API decides. */
import { user } from "./session";

export const mayWrite = (): boolean => !!user.value && user.value.role !== "viewer";
export const mayOwn = (): boolean => user.value?.role === "owner" || user.value?.role === "admin";
export const isAdmin = (): boolean => user.value?.role === "admin";
