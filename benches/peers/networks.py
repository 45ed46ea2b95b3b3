"""The networks of memdil-models in PyTorch, with the same layers and parameters in the same order."""

import torch
from torch import nn

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3)}


class Convolution(nn.Module):
    def __init__(self, inputs, outputs, kernel=3, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(x))


class Block(nn.Module):
    def __init__(self, plan, shortcut):
        super().__init__()
        self.convolutions = nn.ModuleList(Convolution(*sizes) for sizes in plan)
        self.shortcut = Convolution(*shortcut) if shortcut else None

    def forward(self, x):
        h = x
        for convolution in self.convolutions[:-1]:
            h = nn.functional.relu(convolution(h), inplace=True)
        h = self.convolutions[-1](h)
        h += self.shortcut(x) if self.shortcut else x
        return nn.functional.relu(h, inplace=True)


class ResNet(nn.Module):
    def __init__(self, depth, width, classes, channels=3):
        super().__init__()
        expansion = 4 if depth == 50 else 1
        self.stem = Convolution(channels, width)
        blocks, inputs = [], width
        for stage, count in enumerate(STAGES[depth]):
            inner = width << stage
            outputs = inner * expansion
            for index in range(count):
                stride = 2 if stage > 0 and index == 0 else 1
                if expansion == 1:
                    plan = [(inputs, inner, 3, stride), (inner, inner, 3, 1)]
                else:
                    plan = [(inputs, inner, 1, 1), (inner, inner, 3, stride), (inner, outputs, 1, 1)]
                same = stride == 1 and inputs == outputs
                blocks.append(Block(plan, None if same else (inputs, outputs, 1, stride)))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x):
        x = self.blocks(nn.functional.relu(self.stem(x), inplace=True))
        return self.classifier(x.mean((2, 3)))


class Vgg(nn.Module):
    def __init__(self, depth, width, classes, channels=3):
        super().__init__()
        layers, inputs = [], channels
        for count, factor in zip(CONVOLUTIONS[depth], (1, 2, 4, 8, 8)):
            for _ in range(count):
                layers += [Convolution(inputs, factor * width), nn.ReLU(inplace=True)]
                inputs = factor * width
            layers.append(nn.MaxPool2d(2))
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, x):
        return self.classifier(torch.flatten(self.layers(x), 1))


def network(name, width, classes):
    """Return the network `name`, such as `resnet18` or `vgg11`, for images with three channels."""
    kind = {"resnet": ResNet, "vgg": Vgg}[name.rstrip("0123456789")]
    return kind(int(name.lstrip("abcdefghijklmnopqrstuvwxyz")), width, classes)
