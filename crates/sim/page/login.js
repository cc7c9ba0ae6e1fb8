// The login page: address, code, in.

import { is } from "./app.js";
import { control } from "./controlled.js";
import { h, part } from "./dom.js";
import { gql } from "./gql.js";

/** Shows the login page in `root`, and goes to `redirectUrl` at its end. */
export function login(root, redirectUrl) {
  const card = h("main", { class: "LoginPage_card__" });
  root.append(h("div", { class: "LoginPage_main__" }, h("div", { class: "LoginPage_logo__" }, h("span", { class: "MainNav_mark__" }), "Poe"), card));

  const step = ({ title, about, field, label, ready, submit, others = [] }) => {
    const error = h("p", { class: "LoginPage_error__", role: "alert" });
    const button = part("loginButton", { disabled: true }, label);
    let value = "";
    const go = async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      error.textContent = (await submit(value.trim()).catch((problem) => problem.message)) ?? "";
      button.disabled = false;
    };
    card.replaceChildren(h("h1", {}, title), h("p", {}, about), ...others, h("form", { novalidate: true, onsubmit: go }, field, error, button));
    const { render } = control(field, root, (typed) => {
      value = typed;
      render(value);
      button.disabled = !ready(value.trim());
    });
    field.focus();
  };

  step({
    title: "Welcome",
    about: "Enter your email address, and we will send you a code.",
    field: part("emailBox"),
    label: "Go",
    others: is("login", "2025") ? otherWays() : [],
    ready: (email) => email.includes("@"),
    async submit(email) {
      const { sendVerificationCode } = await gql("SendVerificationCodeMutation", { emailAddress: email, phoneNumber: null, recaptchaToken: null });
      if (sendVerificationCode.status !== "success") return sendVerificationCode.errorMessage;
      askForCode(email);
      return null;
    },
  });

  function askForCode(email) {
    step({
      title: "Check your email",
      about: `We sent a six-digit code to ${email}.`,
      field: part("codeBox"),
      label: is("login", "2025") ? "Log In" : "Log in",
      ready: (code) => /^\d{6}$/.test(code),
      async submit(code) {
        const { loginWithCode } = await gql("LoginWithVerificationCodeMutation", { emailAddress: email, phoneNumber: null, verificationCode: code });
        if (loginWithCode.status !== "success") return loginWithCode.errorMessage;
        location.href = redirectUrl;
        return null;
      },
    });
  }
}

/** Ways to sign in that lead nowhere here, and the sign of a check that runs by itself. */
function otherWays() {
  const elsewhere = (label) => h("button", { class: "button_root__ button_secondary__", type: "button", onclick: () => alert("This local site knows no other accounts: use an email address.") }, label);
  const badge = h("div", { class: "grecaptcha-badge", style: "visibility: hidden; position: fixed; right: 0; bottom: 0" }, h("iframe", { title: "reCAPTCHA", src: "about:blank", width: "256", height: "60" }));
  return [elsewhere("Continue with Google"), elsewhere("Continue with Apple"), elsewhere("Use phone"), badge];
}
