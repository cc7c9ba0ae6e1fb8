// The login page: address, code, in.

import { control } from "./controlled.js";
import { h } from "./dom.js";
import { gql } from "./gql.js";

/** Shows the login page in `root`, and goes to `redirectUrl` at its end. */
export function login(root, redirectUrl) {
  const card = h("main", { class: "LoginPage_card__" });
  root.append(h("div", { class: "LoginPage_main__" }, h("div", { class: "LoginPage_logo__" }, h("span", { class: "MainNav_mark__" }), "Poe"), card));

  const step = ({ title, about, field, label, ready, submit }) => {
    const error = h("p", { class: "LoginPage_error__", role: "alert" });
    const button = h("button", { class: "Button_button__ Button_primary__", type: "submit", disabled: true }, label);
    let value = "";
    const go = async (event) => {
      event.preventDefault();
      if (button.disabled) return;
      button.disabled = true;
      error.textContent = (await submit(value.trim()).catch((problem) => problem.message)) ?? "";
      button.disabled = false;
    };
    card.replaceChildren(h("h1", {}, title), h("p", {}, about), h("form", { novalidate: true, onsubmit: go }, field, error, button));
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
    field: h("input", { class: "EmailInput_emailInput__ textInput_input__", type: "email", placeholder: "Email address", autocomplete: "email", name: "email" }),
    label: "Go",
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
      field: h("input", { class: "VerificationCodeInput_verificationCodeInput__ textInput_input__", type: "text", inputmode: "numeric", maxlength: "6", placeholder: "Code", autocomplete: "one-time-code", name: "code" }),
      label: "Log in",
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
