import { SearchX } from "lucide";
import { ButtonLink, Empty } from "../ui/parts";
import { useTitle } from "../lib/use";

export function NotFound() {
  useTitle("Not found");
  return (
    <div class="page">
      <h1 class="only-read">Not found</h1>
      <Empty icon={SearchX} title="There is no such page" actions={<ButtonLink href="/console">To the overview</ButtonLink>}>
        The address leads nowhere; what it named may have been deleted.
      </Empty>
    </div>
  );
}
