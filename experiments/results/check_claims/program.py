"""Solutions of the memorization-dilation model."""

import json
import subprocess


class Program:
    """Solutions of the memorization-dilation model by `memdil theory md`: two classes, sphere, non-negative features."""

    path = None

    @classmethod
    def rho(cls, loss, alpha, lambda_w, lambda_h, eta, c_md, features=2):
        numbers = zip(["--alpha", "--lambda-w", "--lambda-h", "--eta", "--c-md"], [alpha, lambda_w, lambda_h, eta, c_md])
        arguments = [word for name, number in numbers for word in (name, repr(number))]
        setting = ["--measure", "sphere", "--dim", str(features), "--nonnegative"]
        command = [cls.path, "theory", "md", "--loss", loss, *arguments, *setting, "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout).get("rho")
