import { render } from "preact";
import "@fontsource-variable/inter/wght.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/parts.css";
import "./styles/views.css";
import "./lib/theme";
import { App } from "./app";

render(<App />, document.getElementById("app")!);
